"""Whose an incident is, by all that can happen to it, and by two versions of the code."""

from datetime import UTC, datetime, timedelta

import pytest

from opsknight.incident.changes import KEEP, applied
from opsknight.incident.commands import (
    Acknowledge,
    AcknowledgementTimeout,
    Command,
    Escalate,
    Reassign,
    Resolve,
    Snooze,
    Suppress,
    Unsnooze,
    Unsuppress,
)
from opsknight.incident.decisions import Transitioned
from opsknight.incident.lifecycle import act
from opsknight.incident.model import OPSKNIGHT, Incident, Status, Urgency
from opsknight.incident.taking import taken_on_by, was_taken_on

NINE = datetime(2026, 11, 20, 9, tzinfo=UTC)
OPENED = Incident(
    id="inc_1",
    service_id="svc_checkout",
    dedup_key="cpu",
    title="CPU",
    urgency=Urgency.HIGH,
    status=Status.OPEN,
    created_at=NINE,
    first_alert_id="alert_1",
    last_alert_at=NINE,
    assignee_id="user_ada",
)
"""It paged Ada first."""
BEN = Acknowledge(by="user_ben")
MONITOR = Acknowledge()
SNOOZE = Snooze(NINE + timedelta(hours=20))


def after(*commands: Command, older: frozenset[int] = frozenset()) -> Incident:
    """Each a minute after the one before; those of `older`, by number, by the older version."""
    incident = OPENED
    for number, command in enumerate(commands):
        now = NINE + timedelta(minutes=number + 1)
        decision = act(incident, command, actor=OPSKNIGHT, now=now)
        assert isinstance(decision, Transitioned), decision
        changes = decision.changes
        if number in older:
            changes = changes._replace(taken=KEEP, taken_as_of=KEEP)
        incident = applied(incident, changes)
    return incident


@pytest.mark.parametrize(
    ("commands", "who"),
    [
        ((SNOOZE,), None),
        ((BEN,), "user_ben"),
        ((MONITOR,), None),
        ((MONITOR, SNOOZE), None),
        ((Reassign("user_ben"), SNOOZE), "user_ben"),
        ((BEN, SNOOZE, MONITOR), "user_ben"),
        ((BEN, Suppress(), MONITOR), "user_ben"),
        ((BEN, SNOOZE, Reassign("user_cy"), MONITOR), "user_cy"),
        ((SNOOZE, MONITOR), None),
        ((BEN, AcknowledgementTimeout(), SNOOZE), None),
        ((BEN, AcknowledgementTimeout(), SNOOZE, MONITOR), None),
        ((BEN, AcknowledgementTimeout(), MONITOR), None),
        ((BEN, SNOOZE, Unsnooze(), SNOOZE), None),
        ((BEN, Suppress(), Unsuppress(), SNOOZE), None),
        ((BEN, Escalate(), SNOOZE), None),
        ((BEN, Escalate(), BEN), "user_ben"),
        ((MONITOR, AcknowledgementTimeout(), Resolve()), None),
        ((BEN, AcknowledgementTimeout(), Resolve()), "user_ben"),
    ],
)
def test_it_is_theirs_who_took_it_on_until_it_pages_on(
    commands: tuple[Command, ...], who: str | None
) -> None:
    assert taken_on_by(after(*commands)) == who


def test_whoever_had_it_is_not_whom_it_paged_first() -> None:
    assert not was_taken_on(after(MONITOR, AcknowledgementTimeout()))
    assert was_taken_on(after(BEN, AcknowledgementTimeout()))


@pytest.mark.parametrize(
    ("commands", "older", "who"),
    [
        # What an older version left before there was a newer one.
        ((BEN,), {0}, "user_ben"),
        ((BEN, AcknowledgementTimeout(), SNOOZE), {0}, None),
        # A monitor has acknowledged it, and the deployment went back.
        ((MONITOR, Reassign("user_ben")), {1}, "user_ben"),
        ((MONITOR, AcknowledgementTimeout(), BEN), {1, 2}, "user_ben"),
        ((MONITOR, SNOOZE, BEN), {1, 2}, "user_ben"),
        ((BEN, AcknowledgementTimeout(), Acknowledge(by="user_cy")), {2}, "user_cy"),
        # It changes nothing about whose it is.
        ((MONITOR, SNOOZE), {1}, None),
    ],
)
def test_what_an_older_version_did_since_counts(
    commands: tuple[Command, ...], older: set[int], who: str | None
) -> None:
    assert taken_on_by(after(*commands, older=frozenset(older))) == who
