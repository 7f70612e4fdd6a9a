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
    next_turn,
    page_wait,
    takes_messages,
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
    assert first == {"failing_since": NOW, "failures": 1, "refused": False}
    second = health_after(failing(1), worked=False, now=NOW + SECOND, pages=False)
    assert second == {"failing_since": NOW, "failures": 2, "refused": False}
    third = health_after(failing(2), worked=False, now=NOW + SECOND, pages=False, refused=True)
    assert third["refused"]


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
    assert healed == {
        "failing_since": None,
        "failures": 0,
        "refused": False,
        "circuit_open_until": None,
    }


def test_at_most_one_message_that_pages_is_under_way_whoever_is_exempt() -> None:
    paged = ReceiverState(page_token="a", page_until=NOW + LEASE, next_at=NOW - SECOND)
    for exempt in (False, True):
        assert page_wait(paged, NOW, exempt=exempt) == Wait(NOW + LEASE, WaitReason.UNDER_WAY)
        assert page_wait(paged, NOW + LEASE, exempt=exempt) is None


def test_the_pace_holds_for_all_but_the_exempt_and_what_was_waived() -> None:
    paced = ReceiverState(next_at=NOW + SECOND)
    assert page_wait(paced, NOW) == Wait(NOW + SECOND, WaitReason.PACE)
    assert page_wait(paced, NOW + SECOND) is None
    assert page_wait(paced, NOW, exempt=True) is None
    assert page_wait(paced.model_copy(update={"pace_waived": True}), NOW) is None


def test_an_open_circuit_holds_pages_too_until_it_is_probed() -> None:
    sick = ReceiverState(circuit_open_until=NOW + PAGE_PROBE_EVERY, pace_waived=True)
    wait = Wait(NOW + PAGE_PROBE_EVERY, WaitReason.CIRCUIT_OPEN)
    assert page_wait(sick, NOW, exempt=True) == wait
    assert next_turn(sick, NOW) == wait.until
    assert page_wait(sick, wait.until) is None


def test_the_next_turn_is_by_the_pace_or_at_once_if_more_is_held() -> None:
    paced = ReceiverState(next_at=NOW + SECOND)
    assert next_turn(paced, NOW) == NOW + SECOND
    assert next_turn(paced, NOW, more=True) == NOW
    assert next_turn(paced, NOW + LEASE) == NOW + LEASE
    assert next_turn(ReceiverState(), NOW) == NOW


def test_a_receiver_takes_messages_if_it_did_within_two_intervals() -> None:
    took = ReceiverState(next_at=NOW)
    assert takes_messages(took, LEASE, NOW + LEASE)
    assert not takes_messages(took, LEASE, NOW + LEASE + SECOND)
    assert not takes_messages(ReceiverState(), LEASE, NOW)
    sick = ReceiverState(next_at=NOW, circuit_open_until=NOW + SECOND)
    assert not takes_messages(sick, LEASE, NOW)
