"""How large the parts of a message that are held in memory may be. The defaults are those of `settings`."""

from typing import NamedTuple


class HeadLimits(NamedTuple):
    """One per worker. llhttp sets no limit at all, so these are counted before anything is parsed."""

    target_max_bytes: int = 8192
    head_max_bytes: int = 32768  # request or status line, all field lines and the empty line
    fields_max: int = 100
    chunk_extension_max_bytes: int = 256  # of one chunk; nobody we know sends any
    trailers_max_bytes: int = 4096  # thrown away, but a client could send them for ever
