"""Of a whole session in force: where each of its fields comes from. Asked by people, never on the way of a request."""

from collections.abc import Iterator

from propylon.errors import Problem
from propylon.model.effective import EffectiveSession, effective_session
from propylon.model.provenance import KEY, ROOT, Loser, MergeRecord, Provenance, limit_provenance


def provenance_of(effective: EffectiveSession) -> list[Provenance]:
    """Merges once more, watched: the same code, so the same answer."""
    return [*_members(effective), *(_merged(effective) if effective.policies else _of_key_alone(effective))]


def _merged(effective: EffectiveSession) -> list[Provenance]:
    record, key = MergeRecord(), effective.key
    policies, missing = effective.policies, effective.skipped_policies
    if key.inline_policies:
        policies, missing = (), ()  # they are in the key (P-2)
    merged = effective_session(key, policies, missing=missing, org_id=effective.org_id, record=record)
    assert not isinstance(merged, Problem), "it was merged before"
    return record.provenance(api_id for api_id, access in merged.access.items() if access.limit is merged.root_limit)


def _of_key_alone(effective: EffectiveSession) -> Iterator[Provenance]:
    yield from limit_provenance(ROOT, effective.root_limit, KEY, "A-11")
    for api_id, access in effective.access.items():
        yield Provenance(api_id, "access", "granted", KEY, "A-2", ())
        source = f"{KEY}'s right on {api_id}" if access.scope else KEY
        yield from limit_provenance(api_id, access.limit, source, "A-11")


def _members(effective: EffectiveSession) -> Iterator[Provenance]:
    """What is not merged as numbers: flags, tags and metadata (P-9, P-10)."""
    key = effective.key
    if effective.is_inactive:
        inactive = [f"policy {policy.id}" for policy in effective.policies if policy.is_inactive]
        named = ", ".join([KEY] * key.is_inactive + inactive)
        yield Provenance(ROOT, "is_inactive", "true", named, "P-9", ())
    for tag in effective.tags:
        tagging = [f"policy {policy.id}" for policy in effective.policies if tag in policy.tags]
        yield Provenance(ROOT, f"tags[{tag}]", "set", ", ".join([KEY] * (tag in key.tags) + tagging), "P-10", ())
    for name in effective.meta_data:
        writing = [f"policy {policy.id}" for policy in effective.policies if name in policy.meta_data]
        writers = [KEY] * (name in key.meta_data or not writing) + writing
        lost = tuple(Loser(writer, "", "is overwritten by a later policy") for writer in writers[:-1])
        yield Provenance(ROOT, f"meta_data.{name}", "set", writers[-1], "P-10", lost)
