"""What a decision changes: how changes combine, and what an incident is after them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opsknight.incident.changes import ATTRIBUTES, KEEP, NOTHING, Changes, applied, with_due_time
from opsknight.incident.model import (
    OPSKNIGHT,
    Escalation,
    Incident,
    Pointer,
    RequestedStep,
    Status,
    Timer,
    UnknownTimer,
)
from opsknight.incident.timeline import Change, ChangeKind
from opsknight.store.transactions import expanded
from opsknight.store.wire import attributes, plain

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
NEWER = UnknownTimer("of a newer version")


def incident(**more: Any) -> Incident:
    known: dict[str, Any] = {
        "id": "inc_1",
        "service_id": "svc_1",
        "dedup_key": "cpu",
        "title": "CPU",
        "urgency": "HIGH",
        "status": "OPEN",
        "created_at": NOW,
        "first_alert_id": "al_1",
        "last_alert_at": NOW,
    }
    return Incident.model_validate(known | more)


def test_every_attribute_of_an_incident_can_change_or_never_does() -> None:
    never = {"id", "service_id", "dedup_key", "title", "created_at", "first_alert_id", "internal"}
    counted = {"alert_count", "members", "firing"}
    # By a repeat of what is known, which is no change.
    seen = {"seen_content", "seen_started_at", "seen_at"}
    assert {*ATTRIBUTES, "timers"} == Incident.model_fields.keys() - never - counted - seen


def test_of_two_changes_of_the_same_the_later_counts() -> None:
    first = Changes(step=1, round=2, timers={Timer.STEP: NOW, Timer.SNOOZE: NOW})
    both = first | Changes(round=None, timers={Timer.STEP: None, Timer.PAGES: LATER})
    timers = {Timer.STEP: None, Timer.SNOOZE: NOW, Timer.PAGES: LATER}
    assert both == Changes(step=1, round=None, timers=timers)
    assert first | NOTHING == NOTHING | first == first


def test_only_what_changes_is_written() -> None:
    changes = Changes(step=0, assignee_id="user_ada", round=None, timers={Timer.PAGES: None})
    sets = {"step": 0, "assignee_id": "user_ada", "round": None, "timers.pages": None}
    assert expanded(changes) == sets
    assert expanded(NOTHING) == {}


def test_an_incident_after_changes() -> None:
    seen = incident(step=1, round=2, timers={"step": NOW, "snooze": LATER, NEWER: LATER})
    changes = Changes(
        escalation=Escalation.PAUSED, round=None, timers={Timer.STEP: None, Timer.PAGES: NOW}
    )
    after = applied(seen, changes)
    assert (after.step, after.round, after.escalation) == (1, None, Escalation.PAUSED)
    assert after.timers == {Timer.SNOOZE: LATER, NEWER: LATER, Timer.PAGES: NOW}
    assert with_due_time(seen, changes).due_at == NOW
    assert with_due_time(incident(), Changes(step=2)) == Changes(step=2, due_at=None)


@pytest.mark.parametrize("requested", [None, RequestedStep.NEXT], ids=str)
def test_what_is_set_if_absent_keeps_what_is_there(requested: RequestedStep | None) -> None:
    if_absent = Changes(requested_step=RequestedStep.CURRENT)
    after = applied(incident(requested_step=requested), NOTHING, if_absent)
    assert after.requested_step is (requested or RequestedStep.CURRENT)


def test_a_pointer_changes_in_what_it_repeats() -> None:
    pointer = Pointer.model_validate(incident().model_dump())
    changes = Changes(status=Status.SNOOZED, epoch=4, step=3, timers={Timer.SNOOZE: LATER})
    after = applied(pointer, changes)
    assert after == pointer.model_copy(update={"status": Status.SNOOZED, "epoch": 4})


def test_timers_of_a_newer_version_come_back_as_they_were_stored() -> None:
    seen = incident(timers={"step": NOW, NEWER: LATER})
    stored = plain(attributes(seen))
    read = Incident.model_validate(stored)
    assert read == seen
    assert {type(name) for name in read.timers} == {Timer, str}


@pytest.mark.parametrize("what", ["snoozed", "merged by a newer version"])
def test_kinds_of_change_of_a_newer_version_do_too(what: str) -> None:
    stored = {
        "incident_id": "inc_1",
        "number": 2,
        "at": NOW,
        "what": what,
        "actor": OPSKNIGHT,
        "status": "SNOOZED",
        "epoch": 1,
    }
    read = Change.model_validate(stored)
    assert read.what == what
    assert isinstance(read.what, ChangeKind) is (what == "snoozed")
    assert plain(attributes(read))["what"] == what


def test_keeping_is_not_removing() -> None:
    assert Changes().step is KEEP
    assert "step" not in Changes().values()
