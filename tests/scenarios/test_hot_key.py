"""Storms of events for one dedup key on virtual time, where calls take time and are in conflict."""

from collections import Counter
from collections.abc import Callable

import pytest

from harness.hot_key import LATENCY, HotKey
from harness.invariants import check
from opsknight.incident.commands import Acknowledge, Escalate, Resolve
from opsknight.incident.decisions import Decision, Merged, Opened


@pytest.fixture
def model() -> HotKey:
    found = HotKey()
    found.connected()
    return found


def test_a_burst_of_known_triggers_takes_two_round_trips_each(model: HotKey) -> None:
    bursting = [model.time.start(lambda: model.timed(model.trigger)) for _ in range(120)]
    model.time.run()
    slowest = max(task.result() for task in bursting)
    assert slowest == pytest.approx(2 * LATENCY)
    assert check(model.outside).active[0]["alert_count"] == 121


def test_in_a_burst_of_first_triggers_one_opens_and_the_others_look_again(model: HotKey) -> None:
    bursting = [model.time.start(lambda: model.trigger("new")) for _ in range(120)]
    model.time.run()
    opened = [task.result() for task in bursting if isinstance(task.result(), Opened)]
    assert len(opened) == 1
    assert check(model.outside).incidents[opened[0].incident.id]["alert_count"] == 120
    # Each at least once, as all of them set out before one had opened it.
    assert model.sent["TransactWriteItems"] < 2 * 120
    assert model.time.now < 0.5


def test_plain_writes_starve_nobody_who_acts(model: HotKey, say: Callable[[str], None]) -> None:
    """400 triggers a second on the incident that somebody acknowledges."""
    triggers = [
        model.time.start(lambda: model.timed(model.trigger), model.chance.uniform(0, 4))
        for _ in range(1600)
    ]
    acts: list[float | None] = []

    def acting() -> None:
        while model.time.now < 4:
            for command in (Acknowledge(), Escalate()):
                acts.append(model.timed(lambda it=command: model.act(it)))  # type: ignore[misc]

    model.time.start(acting)
    model.time.run()
    times = [seconds for seconds in acts if seconds is not None]
    say(f"{len(times)} acts, the slowest in {max(times):.2f} s")
    assert model.failed == 0
    assert len(times) >= 10
    assert sum(times) / len(times) < 0.5
    found = check(model.outside)
    assert found.active[0]["alert_count"] == 1 + len(triggers)


def test_alerts_that_race_with_resolves_are_on_the_incident_that_their_answer_names(
    model: HotKey, say: Callable[[str], None]
) -> None:
    answered: Counter[str] = Counter()

    def trigger() -> None:
        decision: Decision = model.trigger()
        assert isinstance(decision, Opened | Merged)
        answered[decision.alert.incident_id] += 1

    def resolving() -> None:
        for _ in range(12):
            model.time.sleep(0.1)
            pointer = model.world.table.pointer(
                model.pointer.service_id, model.pointer.dedup_key, model.deadline()
            )
            if pointer is not None:
                model.pointer = pointer
                model.act(Resolve())

    tasks = [model.time.start(trigger, model.chance.uniform(0, 1.5)) for _ in range(300)]
    tasks.append(model.time.start(resolving))
    answered[model.pointer.id] += 1
    model.time.run()
    for task in tasks:
        task.result()
    found = check(model.outside)
    say(f"{len(found.incidents)} incidents, {model.sent['DeleteItem']} stray alerts deleted")
    assert model.sent["DeleteItem"] > 0, "no race was lost"
    assert len(found.incidents) > 5
    assert answered == {name: len(alerts) for name, alerts in found.alerts.items()}
