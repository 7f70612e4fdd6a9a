"""Many at the same moment, by real threads on a real server: each thread is a warm function."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from random import Random
from secrets import token_hex

import pytest
from botocore.config import Config

from harness.conflicts import Conflicts
from harness.crowd import at_once
from harness.dynamodb import connect
from harness.invariants import check
from harness.world import Clock, Response, World, build, deadline, event
from opsknight.directory.entries import IntegrationKey, key_hash
from opsknight.directory.rate_limit import LIMIT
from opsknight.store.calls import TABLE_CONFIG

CROWD = 64
# A counter that does not answer within 300 ms lets the event pass, and a hundred threads on two
# cores make it that slow: where the count must be exact, the limiter waits.
PATIENT = Config(
    connect_timeout=30, read_timeout=30, max_pool_connections=150, retries={"total_max_attempts": 1}
)


@pytest.fixture(params=["as MiniStack is", "conflicting"])
def conflicts(request: pytest.FixtureRequest) -> Conflicts | None:
    return Conflicts(hold=0.02, sets_out=0.002) if request.param == "conflicting" else None


@pytest.fixture
def arena(dynamodb_server: str, conflicts: Conflicts | None) -> World:
    """A world whose transactions get in each other's way, or do not."""
    client = connect(dynamodb_server, TABLE_CONFIG.merge(Config(max_pool_connections=150)))
    if conflicts is not None:
        conflicts.watch(client)
    return build(client=client, rates_client=connect(dynamodb_server, PATIENT))


def test_simultaneous_first_triggers_open_one_incident(
    arena: World, conflicts: Conflicts | None, say: Callable[[str], None]
) -> None:
    send = [partial(arena.send, event(), api=arena.api()) for _ in range(CROWD)]
    answers = at_once(send)
    assert Counter(answer.status for answer in answers) == {202: CROWD}
    actions = Counter(answer.action for answer in answers)
    assert actions == {"triggered": 1, "deduplicated": CROWD - 1}
    [incident] = {answer.incident["id"] for answer in answers}
    found = check(arena)
    assert found.incidents.keys() == {incident}
    assert len(found.alerts[incident]) == CROWD
    if conflicts is not None:
        say(f"conflicts raised: {dict(conflicts.raised)}")
        # Few: only until the first of them has opened it are they transactions.
        assert conflicts.raised.total() > 0


@pytest.mark.parametrize("key", ["integration_key", "api_key"])
def test_the_hundred_and_twenty_first_of_a_window_is_refused(
    dynamodb_server: str, key: str
) -> None:
    """Exactly, over as many warm functions as there are requests."""
    world = build(dynamodb_server, rates_client=connect(dynamodb_server, PATIENT))
    secret = getattr(world, key)
    send = [
        partial(world.send, numbered(number, world), key=secret, api=world.api())
        for number in range(LIMIT + 1)
    ]
    answers = at_once(send)
    assert Counter(answer.status for answer in answers) == {202: LIMIT, 429: 1}
    accepted = [answer for answer in answers if answer.status == 202]
    remaining = {int(answer.headers["RateLimit-Remaining"]) for answer in accepted}
    assert remaining == set(range(LIMIT))
    [refused] = [answer for answer in answers if answer.status == 429]
    assert refused.body == {"error": "Rate limit exceeded."}
    assert refused.headers["Retry-After"] == "60"
    found = check(world)
    loud = [each for each in found.active if each["dedup_key"].startswith("opsknight:")]
    assert len(loud) == 1
    assert len(found.incidents) == LIMIT + 1


def numbered(number: int, world: World) -> dict[str, object]:
    return event(dedup_key=f"disk-{number}", service_id=world.service.id)


@pytest.mark.soak
def test_a_storm_of_triggers_acknowledges_and_resolves_on_one_key(
    arena: World, conflicts: Conflicts | None, full_size: bool, say: Callable[[str], None]
) -> None:
    chance = Random(20261123)
    keys = [arena.integration_key, arena.second_integration_key, arena.api_key]
    actions = ["trigger"] * 3 + ["acknowledge", "resolve"]
    calls = [
        partial(
            several,
            arena,
            [chance.choice(actions) for _ in range(8 if full_size else 5)],
            keys[number % len(keys)],
        )
        for number in range(36 if full_size else 24)
    ]
    answers = [answer for batch in at_once(calls) for answer in batch]
    assert {answer.status for answer in answers} == {202}
    found = check(arena)
    said = Counter(answer.action for answer in answers)
    assert said["triggered"] == len(found.incidents)
    by_incident = Counter(
        answer.incident["id"]
        for answer in answers
        if answer.action in ("triggered", "deduplicated")
    )
    assert by_incident == {name: len(alerts) for name, alerts in found.alerts.items()}
    resolved = [each for each in found.incidents.values() if each["status"] == "RESOLVED"]
    assert said["resolved"] == len(resolved)
    assert said["resolved"] <= said["triggered"]
    # Every acknowledge that changed something is on a timeline; the others were too late or again.
    changes = [change["what"] for each in found.changes.values() for change in each]
    assert changes.count("acknowledged") <= said["acknowledged"]
    if conflicts is not None:
        say(f"conflicts raised: {dict(conflicts.raised)}")
        assert conflicts.raised["TransactionCanceledException"] > 0


def several(world: World, actions: list[str], key: str) -> list[Response]:
    api = world.api()
    return [
        world.send(event(action, service_id=world.service.id), key=key, api=api)
        for action in actions
    ]


@pytest.mark.soak
def test_sixteen_clients_for_a_minute(
    dynamodb_server: str, full_size: bool, say: Callable[[str], None]
) -> None:
    """Each with its own integration key and dedup key: nobody is refused, and nothing fails."""
    world = build(dynamodb_server)
    secrets = {token_hex(16): number for number in range(16)}
    keys = {
        key_hash(secret): IntegrationKey(
            id=f"key_client{number}",
            name=f"Client {number}",
            created_at=world.clock.at,
            service_id=world.service.id,
            integration_id="int_prometheus",
        )
        for secret, number in secrets.items()
    }
    world.table.create([], keys, token_hex(8), deadline())
    until = time.monotonic() + (60 if full_size else 3)
    counts = at_once([partial(client, world, secret, until) for secret in secrets])
    total = sum(counts)
    say(f"16 clients, {total} requests")
    assert min(counts) >= 4
    found = check(world)
    assert len(found.incidents) == total // 4


def client(world: World, secret: str, until: float) -> int:
    """Goes through the life of one incident after the other; how many requests that took."""
    clock = Clock()
    api = replace(world.api(), clock=clock)
    send: Callable[[str], Response] = lambda action: world.send(  # noqa: E731
        event(action, dedup_key=f"load-{secret}"), key=secret, api=api
    )
    life = {
        "trigger": "triggered",
        "acknowledge": "acknowledged",
        "resolve": "resolved",
    }
    sent = 0
    while time.monotonic() < until:
        opened, merged = send("trigger"), send("trigger")
        assert (opened.status, merged.status) == (202, 202)
        assert (opened.action, merged.action) == ("triggered", "deduplicated")
        for action in ("acknowledge", "resolve"):
            answer = send(action)
            assert (answer.status, answer.action) == (202, life[action])
            assert answer.incident["id"] == opened.incident["id"]
        sent += 4
        # The limit is by the clock, the client by how fast it is answered.
        clock.advance(seconds=3)
    return sent
