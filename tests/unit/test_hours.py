"""Times of the week, and what support hours make of an incident's urgency."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsknight.directory.entries import Service
from opsknight.directory.support_hours import SupportHours
from opsknight.escalation.repair import repaired
from opsknight.escalation.steps import Advanced
from opsknight.escalation.timers import decided
from opsknight.incident.commands import Prioritize
from opsknight.incident.decisions import Merged, Opened, Transitioned
from opsknight.incident.events import decide
from opsknight.incident.lifecycle import act
from opsknight.incident.model import (
    OPSKNIGHT,
    Action,
    Event,
    Incident,
    OutOfHours,
    Severity,
    Status,
    Timer,
    Urgency,
)
from opsknight.incident.quiet import Window
from opsknight.oncall.hours import WeeklyHours
from opsknight.oncall.wall_clock import Restriction
from opsknight.simulation import Roster
from tests.unit.rotas import at, only

HIGH, MEDIUM, LOW = Urgency
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
NINE = NOW.replace(hour=9)
WEEKDAYS = tuple(Restriction.model_fields["days"].default)[:5]
OFFICE = (only("09:00", "17:00", *WEEKDAYS),)


def berlin(*times: Restriction) -> WeeklyHours:
    return WeeklyHours(zone="Europe/Berlin", times=times)


@pytest.mark.parametrize(
    ("now", "covers", "begins", "ends"),
    [
        ("2026-11-23T08:59+01:00", False, "2026-11-23T09:00+01:00", "2026-11-23T17:00+01:00"),
        ("2026-11-23T09:00+01:00", True, "2026-11-24T09:00+01:00", "2026-11-23T17:00+01:00"),
        ("2026-11-23T16:59+01:00", True, "2026-11-24T09:00+01:00", "2026-11-23T17:00+01:00"),
        ("2026-11-27T17:00+01:00", False, "2026-11-30T09:00+01:00", "2026-11-30T17:00+01:00"),
        # The clock goes back in the night to Sunday: it is still nine by the clock on the wall.
        ("2026-10-23T18:00+02:00", False, "2026-10-26T09:00+01:00", "2026-10-26T17:00+01:00"),
    ],
)
def test_hours_of_the_week(now: str, covers: bool, begins: str, ends: str) -> None:
    hours = berlin(*OFFICE)
    assert hours.covers(at(now)) is covers
    assert hours.begin_after(at(now)) == at(begins)
    assert hours.end_after(at(now)) == at(ends)


def test_hours_that_touch_are_one() -> None:
    hours = berlin(only("22:00", "02:00"), only("02:00", "07:00"))
    assert hours.end_after(at("2026-11-23T23:00+01:00")) == at("2026-11-24T07:00+01:00")


def test_hours_that_always_last_neither_begin_nor_end() -> None:
    always = berlin(only("00:00", "12:00"), only("12:00", "00:00"))
    assert always.covers(NOW)
    assert (always.begin_after(NOW), always.end_after(NOW)) == (None, None)


def test_a_zone_that_the_tz_database_does_not_know_yet_is_utc() -> None:
    hours = WeeklyHours(zone="Mars/Olympus", times=(only("03:00", "04:00"),))
    assert hours.covers(NOW)


TIMES = st.lists(
    st.tuples(st.integers(0, 23), st.integers(0, 23)).map(
        lambda pair: only(f"{pair[0]:02}:00", f"{pair[1]:02}:30")
    ),
    min_size=1,
    max_size=3,
)


@given(TIMES, st.integers(0, 366 * 24 * 4), st.sampled_from(["Europe/Berlin", "Asia/Kolkata"]))
def test_they_begin_and_end_where_they_say(
    times: list[Restriction], quarters: int, zone: str
) -> None:
    hours = WeeklyHours(zone=zone, times=tuple(times))
    now = NOW + quarters * timedelta(minutes=15)
    edge = hours.end_after(now) if hours.covers(now) else hours.begin_after(now)
    if edge is None:
        return
    was = hours.covers(now)
    assert hours.covers(edge) is not was
    assert hours.covers(edge - timedelta(minutes=1)) is was
    assert hours.covers(now + (edge - now) / 2) is was


def service(outside: dict[Urgency, Urgency] | None = None, **more: Any) -> Service:
    hours = SupportHours(
        zone="UTC", times=OFFICE, **({} if outside is None else {"outside": outside})
    )
    known = {"id": "svc_1", "name": "Shop", "team_id": "team_web", "support_hours": hours}
    return Service.model_validate(known | more)


def event(severity: Severity = Severity.ERROR) -> Event:
    return Event(Action.TRIGGER, "svc_1", "cpu", "CPU", severity, "{}", OPSKNIGHT)


def opened(
    severity: Severity = Severity.ERROR,
    of: Service | None = None,
    now: datetime = NOW,
    window: Window | None = None,
) -> Incident:
    decision = decide(
        None,
        event(severity),
        now=now,
        incident_id="inc_1",
        alert_id="al_1",
        window=window,
        hours=(of or service()).out_of_hours(now),
    )
    assert isinstance(decision, Opened)
    return decision.incident


def looked_at(incident: Incident, now: datetime, of: Service | None) -> Incident:
    """After the timer: the incident as it then is."""
    services = {} if of is None else {of.id: of}
    decision = decided(Timer.SUPPORT_HOURS, incident, now, Roster(services=services))
    changes = decision.changes
    update = changes.values()
    timers = {name: each for name, each in incident.timers.items() if name not in changes.timers}
    timers |= {name: each for name, each in changes.timers.items() if each is not None}
    return incident.model_copy(update=update | {"timers": timers})


@pytest.mark.parametrize(
    ("severity", "outside", "urgency", "later"),
    [
        (Severity.CRITICAL, None, HIGH, None),
        (Severity.ERROR, None, LOW, MEDIUM),
        (Severity.INFO, None, LOW, None),
        (Severity.CRITICAL, {HIGH: MEDIUM, MEDIUM: LOW}, MEDIUM, HIGH),
    ],
)
def test_outside_the_hours_it_is_less_urgent(
    severity: Severity,
    outside: dict[Urgency, Urgency] | None,
    urgency: Urgency,
    later: Urgency | None,
) -> None:
    found = opened(severity, service(outside))
    assert (found.urgency, found.urgency_in_hours) == (urgency, later)
    assert (Timer.SUPPORT_HOURS in found.timers) is (later is not None)


def test_within_the_hours_nothing_is_lowered() -> None:
    found = opened(now=NINE)
    assert (found.urgency, found.urgency_in_hours) == (MEDIUM, None)
    assert Timer.SUPPORT_HOURS not in found.timers


@pytest.mark.parametrize("window", [None, Window("w", NINE)], ids=["open", "in maintenance"])
def test_when_they_begin_it_is_raised(window: Window | None) -> None:
    found = opened(window=window)
    # Looked at now and then, as the file may change.
    assert found.timers[Timer.SUPPORT_HOURS] == NOW + timedelta(hours=1)
    soon = looked_at(found, NINE - timedelta(minutes=30), service())
    assert (soon.urgency, soon.timers[Timer.SUPPORT_HOURS]) == (LOW, NINE)
    raised = looked_at(soon, NINE, service())
    assert (raised.urgency, raised.urgency_in_hours) == (MEDIUM, None)
    assert Timer.SUPPORT_HOURS not in raised.timers
    assert (raised.timers.get(Timer.STEP) == NINE) is (window is None), "only an open one pages"


@pytest.mark.parametrize(
    "changed", [None, service(support_hours=None), service({HIGH: LOW})], ids=["gone", "no", "less"]
)
def test_hours_that_are_changed_raise_what_waits_for_them(changed: Service | None) -> None:
    raised = looked_at(opened(), NOW + timedelta(hours=1), changed)
    assert (raised.urgency, raised.urgency_in_hours) == (MEDIUM, None)


def test_what_a_person_says_of_the_urgency_stands() -> None:
    decision = act(opened(), Prioritize(HIGH), actor=OPSKNIGHT, now=NOW)
    assert isinstance(decision, Transitioned)
    assert decision.changes.timers[Timer.SUPPORT_HOURS] is None
    assert decision.changes.urgency_in_hours is None
    low = opened(Severity.CRITICAL, service({HIGH: MEDIUM}))
    lowered = act(low, Prioritize(LOW), actor=OPSKNIGHT, now=NOW)
    assert isinstance(lowered, Transitioned)
    assert lowered.changes.timers[Timer.SUPPORT_HOURS] is None


def merged(known: Incident, severity: Severity, hours: OutOfHours | None) -> Merged:
    decision = decide(
        known,
        event(severity),
        now=NOW,
        incident_id="inc_2",
        alert_id="al_2",
        raising=True,
        hours=hours,
    )
    assert isinstance(decision, Merged)
    return decision


def test_a_worse_alert_outside_the_hours_counts_when_they_begin() -> None:
    lowering = service({HIGH: LOW, MEDIUM: LOW}).out_of_hours(NOW)
    found = merged(opened(Severity.ERROR), Severity.CRITICAL, lowering)
    assert found.raised is not None
    assert found.raised.after.urgency is LOW
    assert found.raised.after.urgency_in_hours is HIGH
    assert found.raised.change.what == "noted"
    assert Timer.STEP not in found.raised.changes.timers, "nobody is paged for it now"
    again = merged(
        opened().model_copy(update={"urgency_in_hours": HIGH}), Severity.CRITICAL, lowering
    )
    assert again.raised is None


def test_a_worse_alert_may_raise_it_now_and_once_more_when_they_begin() -> None:
    lowering = service({HIGH: MEDIUM, MEDIUM: LOW}).out_of_hours(NOW)
    found = merged(opened(Severity.ERROR), Severity.CRITICAL, lowering).raised
    assert found is not None
    assert (found.after.urgency, found.after.urgency_in_hours) == (MEDIUM, HIGH)
    assert found.change.what == "raised"


def test_nothing_is_left_to_raise_once_it_is_as_urgent() -> None:
    high = opened().model_copy(update={"urgency": HIGH})
    decision = decided(Timer.SUPPORT_HOURS, high, NINE, Roster(services={"svc_1": service()}))
    assert isinstance(decision, Advanced)
    assert decision.changes.timers == {Timer.SUPPORT_HOURS: None}
    assert decision.changes.urgency_in_hours is None


def test_the_auditor_finds_one_that_would_stay_lowered_for_ever() -> None:
    found = opened()
    lost = found.model_copy(
        update={"timers": {k: v for k, v in found.timers.items() if k != Timer.SUPPORT_HOURS}}
    )
    repair = repaired(lost, NOW, lambda: None)
    assert repair is not None
    assert repair.changes.timers == {Timer.SUPPORT_HOURS: NOW}
    assert repaired(found, NOW, lambda: None) is None
    assert found.status is Status.OPEN
