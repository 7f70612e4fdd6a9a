"""How much one receiver gets at once, and when its circuit opens."""

from datetime import UTC, datetime, timedelta

from opsknight.notification.throttle import (
    CIRCUIT_OPENS_AFTER,
    CIRCUIT_OPENS_AT_FAILURES,
    LEASE,
    PAGE_PROBE_EVERY,
    PROBE_EVERY,
    ReceiverState,
    Wait,
    WaitReason,
    free_slot,
    health_after,
)

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def failing(times: int, since: datetime = NOW) -> ReceiverState:
    return ReceiverState(failing_since=since, failures=times)


def test_two_are_sent_to_at_once_and_the_third_waits() -> None:
    assert free_slot(ReceiverState(), NOW) == "slot_0"
    assert free_slot(ReceiverState(slot_0=NOW + LEASE), NOW) == "slot_1"
    both = ReceiverState(slot_0=NOW + LEASE, slot_1=NOW + LEASE)
    assert free_slot(both, NOW) == Wait(NOW, WaitReason.BUSY)


def test_the_slot_of_a_dead_sender_is_free_when_its_lease_is_over() -> None:
    both = ReceiverState(slot_0=NOW + LEASE, slot_1=NOW + LEASE)
    assert isinstance(free_slot(both, NOW + LEASE - SECOND), Wait)
    assert free_slot(both, NOW + LEASE) == "slot_0"


def test_a_healthy_receiver_costs_no_write() -> None:
    assert health_after(ReceiverState(), worked=True, now=NOW, pages=False) == {}


def test_failures_are_counted_from_the_first() -> None:
    first = health_after(ReceiverState(), worked=False, now=NOW, pages=False)
    assert first == {"failing_since": NOW, "failures": 1}
    second = health_after(failing(1), worked=False, now=NOW + SECOND, pages=False)
    assert second == {"failing_since": NOW, "failures": 2}


def test_it_takes_both_time_and_failures_to_open_the_circuit() -> None:
    late, few = NOW + CIRCUIT_OPENS_AFTER, CIRCUIT_OPENS_AT_FAILURES - 2
    assert "circuit_open_until" not in health_after(
        failing(few), worked=False, now=late, pages=False
    )
    soon = late - SECOND
    assert "circuit_open_until" not in health_after(
        failing(few + 9), worked=False, now=soon, pages=False
    )
    sick = health_after(failing(few + 1), worked=False, now=late, pages=False)
    assert sick["circuit_open_until"] == late + PROBE_EVERY


def test_who_has_to_be_woken_is_probed_more_often() -> None:
    late = NOW + CIRCUIT_OPENS_AFTER
    sick = health_after(failing(9), worked=False, now=late, pages=True)
    assert sick["circuit_open_until"] == late + PAGE_PROBE_EVERY


def test_an_open_circuit_keeps_messages_away_until_a_probe_closes_it() -> None:
    sick = ReceiverState(failing_since=NOW, failures=9, circuit_open_until=NOW + PROBE_EVERY)
    assert free_slot(sick, NOW) == Wait(NOW + PROBE_EVERY, WaitReason.CIRCUIT_OPEN)
    assert free_slot(sick, NOW + PROBE_EVERY) == "slot_0"
    assert free_slot(sick, NOW, probing=True) == "slot_0", "somebody tries it out"
    healed = health_after(sick, worked=True, now=NOW + PROBE_EVERY, pages=False)
    assert healed == {"failing_since": None, "failures": 0, "circuit_open_until": None}
