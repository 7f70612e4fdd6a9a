"""The verdict on a rehearsed upgrade notices each kind of loss and doubling, and nothing else."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.rehearsal.monitors import Posted
from harness.rehearsal.places import Stored
from harness.rehearsal.tree import Tree
from harness.rehearsal.verdict import (
    HOLD_IS_KNOWN,
    ON_ITS_WAY,
    TAKEN_UP,
    Heard,
    Held,
    Verdict,
    judge,
)
from local.programs import ROOT

ENDED = 1000.0
SECOND_AFTER = 60.0


def posted(number: str, action: str, at: float, result: str, incident: str = "inc_1") -> Posted:
    return Posted(number, "a", "disk", action, at, at, True, 0, result, incident)


OPENED = posted("1", "trigger", 10, "triggered")
AGAIN = posted("2", "trigger", 20, "deduplicated")
ACKNOWLEDGED = posted("3", "acknowledge", 300, "acknowledged")
EVENTS = (OPENED, AGAIN, ACKNOWLEDGED)
ALERTS = {"1": ["inc_1"], "2": ["inc_1"]}
HEARD = (
    Heard("inc_1", "first", "paged", "p1", 12),
    Heard("inc_1", "second", "paged", "p2", 72),
    Heard("inc_1", "place", "triggered", "n1", 11),
    Heard("inc_1", "place", "acknowledged", "n2", 301),
)


def verdict(
    events: tuple[Posted, ...] = EVENTS,
    heard: tuple[Heard, ...] = HEARD,
    alerts: dict[str, list[str]] = ALERTS,
    held: Held | None = None,
) -> Verdict:
    return judge(events, alerts, heard, second_after=SECOND_AFTER, ended=ENDED, held=held)


def test_a_night_in_which_everybody_hears_everything_once_is_good() -> None:
    found = verdict()
    assert (found.lost, found.doubled) == ((), ())
    assert (found.posted, found.taken, found.incidents, found.heard) == (3, 3, 1, 4)


def test_an_older_notice_may_be_left_out_where_a_newer_one_says_more() -> None:
    assert verdict(heard=(*HEARD[:2], HEARD[3])).is_good


@pytest.mark.parametrize("missing", [HEARD[0], HEARD[1], HEARD[3]], ids=lambda it: it.delivery_id)
def test_a_message_that_nobody_got_is_lost(missing: Heard) -> None:
    found = verdict(heard=tuple(each for each in HEARD if each is not missing))
    assert len(found.lost) == 1
    assert not found.doubled


def test_an_event_that_was_never_taken_is_lost() -> None:
    found = verdict(events=(*EVENTS, replace(AGAIN, number="4", taken=False, incident_id="")))
    assert found.lost == ("4: trigger was never taken",)


def test_an_alert_that_is_not_there_is_lost() -> None:
    assert verdict(alerts={"1": ["inc_1"]}).lost == ("2: no alert on inc_1",)
    assert verdict(alerts=ALERTS | {"2": ["inc_2"]}).lost == ("2: no alert on inc_1",)


def test_two_alerts_of_one_event_are_doubled_unless_a_try_went_unanswered() -> None:
    twice = ALERTS | {"2": ["inc_1", "inc_1"]}
    assert verdict(alerts=twice).doubled == ("2: 2 alerts",)
    unanswered = replace(AGAIN, unanswered=1)
    assert verdict(events=(OPENED, unanswered, ACKNOWLEDGED), alerts=twice).is_good


@pytest.mark.parametrize("each", HEARD, ids=lambda it: it.delivery_id)
def test_two_messages_about_one_thing_are_doubled(each: Heard) -> None:
    found = verdict(heard=(*HEARD, replace(each, delivery_id="other", at=each.at + 1)))
    assert len(found.doubled) == 1
    assert not found.lost


def test_one_message_that_came_twice_is_counted_and_no_fault() -> None:
    found = verdict(heard=(*HEARD, HEARD[0]))
    assert found.is_good
    assert found.repeated == 1


def test_a_page_long_after_somebody_acted_is_one_too_many() -> None:
    late = replace(HEARD[1], at=ACKNOWLEDGED.answered + ON_ITS_WAY + 1)
    assert len(verdict(heard=(HEARD[0], late, *HEARD[2:])).doubled) == 1


def test_a_page_of_an_incident_that_no_answer_names_is_noticed() -> None:
    assert len(verdict(heard=(*HEARD, replace(HEARD[0], incident_id="inc_9"))).lost) == 1


def test_what_was_acknowledged_before_its_step_needs_no_page() -> None:
    soon = replace(ACKNOWLEDGED, answered=11)
    assert verdict(events=(OPENED, AGAIN, soon), heard=HEARD[2:]).is_good


HOLD = Held(400, 475)
UNDER_HOLD = posted("5", "trigger", 410, "triggered", "inc_2")
UNTIL = 475 + TAKEN_UP + ON_ITS_WAY


def under_hold(*heard: Heard, acknowledged: float = 900) -> Verdict:
    acted = replace(ACKNOWLEDGED, number="6", answered=acknowledged, incident_id="inc_2")
    events = (*EVENTS, UNDER_HOLD, acted)
    told = Heard("inc_2", "place", "acknowledged", "n9", acknowledged + 1)
    return verdict(events, (*HEARD, *heard, told), ALERTS | {"5": ["inc_2"]}, HOLD)


def test_what_came_due_under_a_hold_is_due_when_it_ends() -> None:
    first, second = (
        Heard("inc_2", to, "paged", to, at)
        for to, at in (("first", 480), ("second", 480 + SECOND_AFTER))
    )
    assert under_hold(first, second).is_good
    assert under_hold(second).lost == ("inc_2: the first step paged nobody",)
    assert under_hold(first).lost == ("inc_2: the second step paged nobody",)
    # Somebody acted before it had to be out again.
    assert under_hold(acknowledged=UNTIL).is_good
    assert under_hold(acknowledged=UNTIL + 1).lost == ("inc_2: the first step paged nobody",)


def test_a_message_in_spite_of_the_hold_is_noticed_and_one_on_its_way_is_none() -> None:
    def told(at: float) -> Verdict:
        return under_hold(Heard("inc_2", "first", "paged", "p8", at), acknowledged=500)

    assert told(400 + HOLD_IS_KNOWN).is_good
    assert told(475).is_good
    found = told(401 + HOLD_IS_KNOWN)
    assert found.in_spite == ("inc_2: first was told 26 s into the hold: paged",)
    assert not found.is_good


@pytest.mark.parametrize(
    ("said", "keeps"),
    [
        ("VersionDeletionPolicy: Retain", True),
        ("VersionDeletionPolicy: Delete", False),
        ("Timeout: 3", False),
    ],
)
def test_a_version_to_go_back_to_is_asked_for_before_anything_begins(
    said: str, keeps: bool, tmp_path: Path
) -> None:
    (tmp_path / "template.yaml").write_text(f"Globals: {{Function: {{{said}}}}}")
    programs: Any = SimpleNamespace()
    assert Tree(tmp_path, programs).keeps_versions() is keeps
    assert Tree(ROOT, programs).keeps_versions()


def test_what_is_overdue_is_waited_for_and_what_waits_for_its_time_is_not() -> None:
    def due(at: str | None, **more: str) -> dict[str, Any]:
        return {name: {"S": each} for name, each in {**more, "due_at": at}.items() if each}

    class Found(Stored):
        def items(self) -> list[dict[str, Any]]:
            return [
                due("2026-11-23T03:00:00.000000Z", due_shard="1"),
                due("2026-11-23T03:00:59.500000Z", due_shard="2"),
                due("2026-11-23T03:01:00.000001Z", due_shard="3"),
                # Nothing is due of it, and what no sweep looks after.
                due(None, due_shard="4"),
                due("2026-11-23T03:00:00.000000Z"),
            ]

    assert Found("", "").overdue(datetime(2026, 11, 23, 3, 1, tzinfo=UTC)) == 2
