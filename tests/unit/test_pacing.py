"""How much one receiver gets at once, and how its health is told."""

from datetime import UTC, datetime, timedelta

from opsknight.notification.throttle import (
    BUSY,
    LEASE,
    PAGE_PROBE_EVERY,
    PROBE_EVERY,
    UNHEALTHY,
    UNHEALTHY_AFTER,
    UNHEALTHY_FAILURES,
    Traffic,
    Wait,
    after,
    place,
)

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def failing(times: int, since: datetime = NOW) -> Traffic:
    return Traffic(failing_since=since, failures=times)


def test_two_are_sent_to_at_once_and_the_third_waits() -> None:
    assert place(Traffic(), NOW) == "place_0"
    assert place(Traffic(place_0=NOW + LEASE), NOW) == "place_1"
    both = Traffic(place_0=NOW + LEASE, place_1=NOW + LEASE)
    assert place(both, NOW) == Wait(NOW, BUSY)


def test_the_place_of_a_dead_sender_is_free_when_its_lease_is_over() -> None:
    both = Traffic(place_0=NOW + LEASE, place_1=NOW + LEASE)
    assert isinstance(place(both, NOW + LEASE - SECOND), Wait)
    assert place(both, NOW + LEASE) == "place_0"


def test_a_healthy_receiver_costs_no_write() -> None:
    assert after(Traffic(), worked=True, now=NOW, pages=False) == {}


def test_failures_are_counted_from_the_first() -> None:
    first = after(Traffic(), worked=False, now=NOW, pages=False)
    assert first == {"failing_since": NOW, "failures": 1}
    second = after(failing(1), worked=False, now=NOW + SECOND, pages=False)
    assert second == {"failing_since": NOW, "failures": 2}


def test_it_takes_both_time_and_failures_to_be_unhealthy() -> None:
    late, few = NOW + UNHEALTHY_AFTER, UNHEALTHY_FAILURES - 2
    assert "probe_at" not in after(failing(few), worked=False, now=late, pages=False)
    soon = late - SECOND
    assert "probe_at" not in after(failing(few + 9), worked=False, now=soon, pages=False)
    sick = after(failing(few + 1), worked=False, now=late, pages=False)
    assert sick["probe_at"] == late + PROBE_EVERY


def test_who_has_to_be_woken_is_probed_more_often() -> None:
    late = NOW + UNHEALTHY_AFTER
    sick = after(failing(9), worked=False, now=late, pages=True)
    assert sick["probe_at"] == late + PAGE_PROBE_EVERY


def test_an_unhealthy_receiver_is_left_alone_until_the_probe_and_healed_by_it() -> None:
    sick = Traffic(failing_since=NOW, failures=9, probe_at=NOW + PROBE_EVERY)
    assert place(sick, NOW) == Wait(NOW + PROBE_EVERY, UNHEALTHY)
    assert place(sick, NOW + PROBE_EVERY) == "place_0"
    assert place(sick, NOW, probing=True) == "place_0", "somebody tries it out"
    healed = after(sick, worked=True, now=NOW + PROBE_EVERY, pages=False)
    assert healed == {"failing_since": None, "failures": 0, "probe_at": None}
