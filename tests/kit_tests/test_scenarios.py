import asyncio
import os
import random
import sqlite3
from pathlib import Path

import pytest

from tests.kit.gateway import running_gateway
from tests.kit.ledger import Ledger
from tests.kit.scenarios import QuotaFigures, RateFigures, integrity_problems


@pytest.mark.parametrize(("admitted", "is_exact"), [(101, False), (100, True), (97, True), (96, False)])
def test_a_quota_is_exact_up_to_the_requests_that_a_kill_left_unanswered(admitted: int, *, is_exact: bool) -> None:
    assert QuotaFigures(admitted, quota=100, kills=1, unanswered=3, errors={}).is_exact is is_exact


def test_a_rate_is_exact_when_no_window_holds_more_and_its_share_is_of_what_is_allowed() -> None:
    figures = RateFigures(rate=10, window_s=1.0, sent=500, admitted=95, most_in_a_window=10, windows=10)
    assert figures.is_exact
    assert figures.share == 0.95
    assert not figures._replace(most_in_a_window=11).is_exact


def test_integrity_problems_name_the_damaged_database(tmp_path: Path) -> None:
    for name in ("good.db", "bad.db"):
        connection = sqlite3.connect(tmp_path / name)
        connection.execute("CREATE TABLE one (a UNIQUE)")
        connection.executemany("INSERT INTO one VALUES (?)", [(os.urandom(50),) for _ in range(500)])
        connection.commit()
        connection.close()
    with (tmp_path / "bad.db").open("r+b") as file:
        file.seek(4 * 4096)
        file.write(bytes(4096))
    problems = integrity_problems(tmp_path)
    assert problems
    assert all(problem.startswith("bad.db: ") for problem in problems)


def test_a_ledger_finds_what_is_no_longer_as_it_was_acknowledged() -> None:
    async def write(ledger: Ledger) -> None:
        await ledger.write(random.Random(1), until=lambda: ledger.acknowledged >= 20)

    with running_gateway() as gateway:
        ledger = Ledger(gateway.port, gateway.secret, "kept")
        asyncio.run(write(ledger))
        assert asyncio.run(ledger.lost()) == []
        path = next(path for path in ledger.expected if gateway.api("GET", path).status == 200)
        assert gateway.api("DELETE", path).status == 200
        assert asyncio.run(ledger.lost()) == [f"{path} 404"]
