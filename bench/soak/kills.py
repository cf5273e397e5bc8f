"""Nothing acknowledged is lost when processes are killed; one that is stopped holds up the machine for a while only."""

import asyncio
import os
import random
import signal
import time

from bench.soak.row import Row, Size, counts, soaked
from tests.kit.gateway import Gateway
from tests.kit.load import UNANSWERED, Outcome, by_status, get_request, load, longest_silence_s
from tests.kit.scenarios import WriteFigures, acknowledged_writes_survive, children, put_key, wait_for_children

KILLS = {"control": 20, "worker": 50, "all": 10}
STALL_S = 5  # worker_stall_s, as shipped
SLACK_S = 2
TRIES = 1500
LOOK_S = 0.02
LOOKS = 60
CONNECTIONS = 32
SAFETY_S = 30.0


def kills(size: Size) -> list[Row]:
    rows = []
    for what, number in KILLS.items():
        with soaked({"workers": 4}) as gateway:
            figures = acknowledged_writes_survive(gateway, kills=size.of(number, least=2), what=what, seed=size.seed)
        rows.append(_kills_row(what, figures))
    return rows


def _kills_row(what: str, one: WriteFigures) -> Row:
    """Traffic goes on without control, and without a worker but for its requests under way."""
    names = {"control": "the control process", "worker": "a worker", "all": "everything"}
    good = {"control": {200}, "worker": {200, UNANSWERED}}.get(what)
    required = {"control": "; every request answered 200", "worker": "; only 200 or cut at the kill"}.get(
        what, "; SQLite integrity ok after each"
    )
    lost = f"{len(one.lost)} lost {one.lost[:3]}" if one.lost else "0 lost"
    damage = f"; integrity: {one.damaged[:2] or 'ok'}" if what == "all" else ""
    return Row(
        f"{one.kills} × SIGKILL of {names[what]} under load and writes of keys, policies, APIs",
        f"0 acknowledged writes lost{required}",
        f"{one.acknowledged:,} acknowledged, {lost}; traffic {counts(one.answers)}{damage}",
        not one.lost and not one.damaged and one.acknowledged > 0 and (good is None or set(one.answers) <= good),
    )


def stopped(size: Size) -> list[Row]:
    with soaked() as gateway:
        put_key(gateway, "counted", rate=10**9, per=60, quota_max=10**9, quota_renewal_rate=86400)
        put_key(gateway, "refused", rate=1, per=3600, quota_max=10**9, quota_renewal_rate=86400)
        figures = [asyncio.run(_stop_a_worker(gateway, holder=holder, seed=size.seed)) for holder in (False, True)]
        with_control = asyncio.run(_stop_control_and_a_worker(gateway))
    rows = [_stopped_row(title, is_as_wanted=good, outcomes=outcomes) for title, good, outcomes in figures]
    return [*rows, _stopped_row("and of control, which might hold the lock", is_as_wanted=True, outcomes=with_control)]


def _stopped_row(title: str, *, is_as_wanted: bool, outcomes: list[Outcome]) -> Row:
    longest = max(outcome.ended - outcome.started for outcome in outcomes)
    silence = longest_silence_s(outcomes)
    return Row(
        f"SIGSTOP of a worker, {title}",
        f"no client waits longer than {STALL_S} + {SLACK_S} s",
        f"longest silence {silence:.2f} s, longest wait of a request {longest:.2f} s; {counts(by_status(outcomes))}",
        is_as_wanted and max(silence, longest) <= STALL_S + SLACK_S,
    )


async def _stop_a_worker(gateway: Gateway, *, holder: bool, seed: int) -> tuple[str, bool, list[Outcome]]:
    """If wanted, one that holds the meters' lock: then the other worker falls silent too."""
    chance = random.Random(seed)
    ended = asyncio.Event()
    outcomes: list[Outcome] = []
    # A refused request does little else than ask the meters, so that the lock is held more of the time.
    request = get_request("/token/x", {"Authorization": "refused" if holder else "counted"})
    loading = asyncio.ensure_future(
        load(gateway.port, request, connections=CONNECTIONS, until=ended.is_set, into=outcomes)
    )
    await asyncio.sleep(1.0)
    workers = [pid for title, pid in children(gateway.pid).items() if title.startswith("worker")]
    tries, victim, is_holder = 0, 0, False
    while not is_holder and tries < TRIES:
        tries += 1
        victim = chance.choice(workers)
        os.kill(victim, signal.SIGSTOP)
        if not holder:
            break
        is_holder = not await _anybody_answers(outcomes)
        if not is_holder:
            os.kill(victim, signal.SIGCONT)
            await asyncio.sleep(chance.random() * 0.02)
    if is_holder or not holder:
        await asyncio.to_thread(_wait_until_replaced, gateway, victim)
        await asyncio.sleep(1.0)
    ended.set()
    await loading
    found = f"found at try {tries}" if is_holder else f"not met in {tries} tries"
    title = f"which held the lock of the meters ({found})" if holder else "at any moment"
    return title, is_holder or not holder, outcomes


async def _stop_control_and_a_worker(gateway: Gateway) -> list[Outcome]:
    running = wait_for_children(gateway, "control", "worker 1", "worker 2")
    request = get_request("/token/x", {"Authorization": "counted"})
    stopped_pids = (running["control"], running["worker 1"])
    for pid in stopped_pids:
        os.kill(pid, signal.SIGSTOP)
    replacing = asyncio.ensure_future(
        asyncio.gather(*(asyncio.to_thread(_wait_until_replaced, gateway, pid) for pid in stopped_pids))
    )
    outcomes = await load(gateway.port, request, connections=CONNECTIONS, until=replacing.done)
    await replacing
    return outcomes


async def _anybody_answers(outcomes: list[Outcome]) -> bool:
    """Answers that were under way do not count; silence is silence when it lasts."""
    await asyncio.sleep(LOOK_S)
    before, looks = len(outcomes), 0
    while len(outcomes) == before and looks < LOOKS:
        looks += 1
        await asyncio.sleep(LOOK_S)
    return looks < LOOKS


def _wait_until_replaced(gateway: Gateway, victim: int) -> None:
    give_up = time.monotonic() + SAFETY_S
    while victim in wait_for_children(gateway, "control", "worker 1", "worker 2").values():
        assert time.monotonic() < give_up, f"process {victim} is stopped and not replaced within {SAFETY_S:.0f} s"
        time.sleep(0.05)
