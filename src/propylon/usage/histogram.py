"""Latency histograms that add up: fixed buckets, four to each doubling, so that any two merge.

A percentile is the middle of its bucket: at most 12.5 % from the exact one.
"""

from collections.abc import Mapping


def bucket_of(microseconds: int) -> int:
    """The bucket a latency falls in; rises with it."""
    if microseconds < 8:
        return max(0, microseconds)
    bits = microseconds.bit_length()
    return (bits << 2) + ((microseconds >> (bits - 3)) & 3) - 8


def bucket_end_us(bucket: int) -> int:
    """The first latency beyond a bucket, microseconds."""
    if bucket < 8:
        return bucket + 1
    bits, quarter = divmod(bucket + 8, 4)
    return (4 + quarter + 1) << (bits - 3)


def percentile_us(counts: Mapping[int, int], fraction: float) -> int:
    """The latency that `fraction` of the exchanges did not exceed, 0 when there are none."""
    wanted = sum(counts.values()) * fraction
    seen = 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if seen >= wanted:
            return (bucket_end_us(bucket - 1) + bucket_end_us(bucket) - 1) // 2
    return 0
