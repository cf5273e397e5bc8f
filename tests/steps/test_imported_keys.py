"""Unknown key IDs where keys were imported: the control process is asked, and guesses are counted."""

import pytest

from propylon.errors import ControlUnavailable
from propylon.steps.imported_keys import GUESSES_OF_ADDRESS_MAX, PINNED, UNKNOWN
from tests.kit.client import Response, get
from tests.kit.data_path import DataPath, data_path
from tests.kit.definitions import jwt_api, session, token_api
from tests.kit.origin import Origin
from tests.kit.tokens import SECRET, hs256

TOKEN = hs256({"sub": "x"}, kid="the-key")


class Control:
    """Answers every question with one reason; pins, where it says so, before it answers."""

    def __init__(self, path: DataPath, reason: str) -> None:
        self.asked: list[tuple[str, str, str]] = []
        self._path = path
        self._reason = reason

    async def __call__(self, org_id: str, presented: str, token: str) -> str:
        self.asked.append((org_id, presented, token))
        if self._reason == PINNED:
            key = session("token", "jwt", jwt_data={"secret": SECRET}, allow_as_token=True)
            await self._path.announce(self._path.records.put_key(presented, key))
        return self._reason


def imports(path: DataPath, reason: str) -> Control:
    control = Control(path, reason)
    path.ask = control
    path.run(path.announce(path.records.import_keys()))
    path.run(path.parts.follow.catch_up())
    return control


def call(path: DataPath, credential: str = "the-key", api: str = "token") -> Response:
    return get(f"{path.url}/{api}/", {"Authorization": credential})


def reasons(path: DataPath) -> list[str]:
    return [exchange.denial.reason for exchange in path.recorded if exchange.denial is not None]


def test_without_imports_nobody_is_asked() -> None:
    with Origin() as origin, data_path(token_api(origin.url)) as path:
        control = path.ask = Control(path, PINNED)
        assert call(path).status == 403
        assert control.asked == []


def test_the_first_good_use_is_let_through_by_itself_and_asks_once() -> None:
    with Origin() as origin, data_path(token_api(origin.url)) as path:
        control = imports(path, PINNED)
        assert [call(path).status for _ in range(3)] == [200] * 3
        assert control.asked == [("default", "the-key", "")]


def test_of_a_jwt_key_the_token_is_shown() -> None:
    with Origin() as origin, data_path(jwt_api(origin.url)) as path:
        control = imports(path, PINNED)
        assert call(path, f"Bearer {TOKEN}", "jwt").status == 200
        assert control.asked == [("default", "the-key", TOKEN)]


@pytest.mark.parametrize("reason", [UNKNOWN, "legacy_hash_taken", "legacy_hash_unproven", "legacy_hash_ambiguous"])
def test_the_client_is_told_nothing_and_the_log_the_reason(reason: str) -> None:
    with Origin() as origin, data_path(token_api(origin.url)) as path:
        plain = call(path)
        imports(path, reason)
        told = call(path)
        assert (told.status, told.body) == (plain.status, plain.body) == (403, plain.body)
        assert reasons(path) == ["key_unknown", reason]


def test_who_guesses_is_held_up_and_nobody_is_asked_for_him() -> None:
    with Origin() as origin, data_path(token_api(origin.url), keys={"known": session("token")}) as path:
        control = imports(path, UNKNOWN)
        answers = [call(path, f"guess-{number}") for number in range(GUESSES_OF_ADDRESS_MAX + 1)]
        assert [one.status for one in answers] == [403] * GUESSES_OF_ADDRESS_MAX + [429]
        assert int(answers[-1].value("retry-after")) > 0
        assert len(control.asked) == GUESSES_OF_ADDRESS_MAX
        assert call(path, "known").status == 200
        path.advance(70)
        assert call(path, "guess").status == 403


def test_a_first_good_use_is_no_guess() -> None:
    with Origin() as origin, data_path(token_api(origin.url)) as path:
        imports(path, PINNED)
        answers = [call(path, f"good-{number}").status for number in range(GUESSES_OF_ADDRESS_MAX + 5)]
        assert set(answers) == {200}


def test_while_control_is_away_an_unknown_id_is_not_refused_for_good() -> None:
    async def away(org_id: str, presented: str, token: str) -> str:
        raise ControlUnavailable

    with Origin() as origin, data_path(token_api(origin.url)) as path:
        imports(path, UNKNOWN)
        path.ask = away
        assert call(path).status == 503


def test_an_import_just_before_the_refusal_is_seen_by_it() -> None:
    with Origin() as origin, data_path(token_api(origin.url)) as path:
        assert call(path).status == 403
        path.ask = Control(path, PINNED)
        path.change_after_read(path.records.import_keys)
        assert call(path).status == 200
