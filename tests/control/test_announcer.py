"""Head is brought to the newest revision, and past it when the records were restored from a backup (design §3.2)."""

from tests.control.conftest import GatewayApi
from tests.kit.definitions import keyless_api


def test_head_becomes_the_newest_revision(api: GatewayApi) -> None:
    revision = api.run(api.desk.records.note_everything_changed(above=7))
    api.run(api.desk.announcer.announce())
    assert api.head() == revision == 8


def test_head_above_the_records_is_answered_by_a_change_of_everything_above_it(api: GatewayApi) -> None:
    api.call("POST", "/tyk/apis", keyless_api("http://u/"))
    api.run(api.meters.announce(500))
    api.run(api.desk.announcer.announce())
    assert api.head() == api.revision() == 501


def test_a_head_that_another_write_moved_meanwhile_is_no_restored_backup(api: GatewayApi) -> None:
    """The revision is read, then somebody else commits and announces, then we announce."""
    records = ReadsLate(api)
    api.run(type(api.desk.announcer)(records, api.meters).announce())
    assert (api.head(), api.revision()) == (1, 1)


class ReadsLate:
    """Records whose first answer is a revision that is no longer the newest when it arrives."""

    def __init__(self, api: GatewayApi) -> None:
        self._api = api
        self._was_read = False

    async def revision(self) -> int:
        revision = await self._api.desk.records.revision()
        if not self._was_read:
            self._was_read = True
            await self._api.meters.announce(await self._api.desk.records.note_everything_changed(above=0))
        return revision

    async def note_everything_changed(self, above: int) -> int:
        return await self._api.desk.records.note_everything_changed(above)
