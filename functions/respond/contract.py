"""Bodies of the HTTP API that people's programs use (docs/http-api.md). Like the Events API, it
takes camelCase, and snake_case as well. The shapes of answers are in `opsknight.views.models`.
"""

import re
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, StringConstraints, model_validator

from opsknight.directory.profile import CHANNELS, LATEST_RULE
from opsknight.directory.receivers import Channel
from opsknight.directory.windows import SHIFTED, Repetition
from opsknight.files.channel_fields import TO
from opsknight.incident.commands import LONGEST_NOTE, LONGEST_SNOOZE
from opsknight.incident.model import Urgency
from opsknight.incident.text import Text
from opsknight.oncall.schedules import Zone
from opsknight.oncall.wall_clock import DAY
from respond.body import Body, Id, Time

MOST_AT_ONCE: Final = 200
LONGEST_OVERRIDE: Final = timedelta(days=366)


class NightBody(Body):
    """An event to play, without anything being written or sent."""

    service_id: Id
    urgency: Urgency = Urgency.HIGH
    at: Annotated[Time | None, Field(description="When it is sent; absent for now.")] = None


class NewIntegration(Body):
    """A named source of events of the service."""

    name: Annotated[str, Text(100)]


class NewMethod(Body):
    """One more contact method of the caller, or another address for one of them."""

    channel: Annotated[Channel, Field(description=f"One of {', '.join(CHANNELS)}.")]
    to: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
        Field(description="The address, the number with its country, or the URL of the topic."),
    ]
    name: Annotated[str, Text(100)] | None = None
    replaces: Annotated[
        Id | None, Field(description="The contact method whose address it takes.")
    ] = None

    @property
    def place(self) -> str:
        """As it is stored: numbers without what people write between digits."""
        phone = self.channel in (Channel.SMS, Channel.VOICE)
        return re.sub(r"[\s()./-]", "", self.to) if phone else self.to

    @model_validator(mode="after")
    def _is_one(self) -> "NewMethod":
        if self.channel not in CHANNELS:
            raise ValueError("Such a contact method needs a secret: the configuration file has it.")
        pattern, expected = TO[self.channel]
        if not pattern.fullmatch(self.place):
            raise ValueError(f"`to` must be {expected}.")
        return self


class MethodName(Body):
    name: Annotated[str, Text(100)]


class RuleBody(Body):
    urgency: Urgency
    method_id: Id
    after_seconds: Annotated[
        int, Field(ge=0, le=int(LATEST_RULE.total_seconds()), multiple_of=60)
    ] = 0


class RulesBody(Body):
    """All notification rules of the caller; none for the defaults."""

    rules: Annotated[list[RuleBody], Field(max_length=60)]


class NewIncident(Body):
    """An incident opened by a person."""

    title: Annotated[str, Text(500)]
    service_id: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    urgency: Urgency = Urgency.HIGH
    description: Annotated[str, Text(10_000)] | None = None
    dedup_key: Annotated[
        Annotated[str, Text(200, exact=True)] | None,
        Field(description="An active incident with the same key gets one more alert instead."),
    ] = None


class Patch(Body):
    """Changes the urgency, the assignee, or both; the urgency first."""

    urgency: Urgency | None = None
    assignee_id: Id | None = None

    @model_validator(mode="after")
    def _something(self) -> "Patch":
        if self.urgency is None and self.assignee_id is None:
            raise ValueError("Give urgency, assigneeId or both.")
        return self


class SnoozeBody(Body):
    """Until a time, or for some minutes; at most 7 days."""

    until: Time | None = None
    minutes: Annotated[int, Field(ge=1, le=7 * 24 * 60)] | None = None

    @model_validator(mode="after")
    def _one(self) -> "SnoozeBody":
        if (self.until is None) == (self.minutes is None):
            raise ValueError("Give exactly one of until and minutes.")
        return self

    def ends(self, now: datetime) -> datetime | None:
        """None for an end that is not after `now`, or more than 7 days away."""
        until = self.until or now + timedelta(minutes=self.minutes or 0)
        return until if now < until <= now + LONGEST_SNOOZE else None


class EscalateBody(Body):
    step: Annotated[
        int | None, Field(ge=1, le=50, description="From 1; absent for the next one.")
    ] = None


class ReassignBody(Body):
    user_id: Id


class AlsoPageBody(Body):
    """One user, or whoever a team or a schedule reaches at this moment."""

    user_id: Id | None = None
    team_id: Id | None = None
    schedule_id: Id | None = None

    @model_validator(mode="after")
    def _one(self) -> "AlsoPageBody":
        if sum(each is not None for each in (self.user_id, self.team_id, self.schedule_id)) != 1:
            raise ValueError("Give exactly one of userId, teamId and scheduleId.")
        return self


class NoteBody(Body):
    text: Annotated[str, Text(LONGEST_NOTE)]
    public: Annotated[bool, Field(strict=True, description="Status pages show it.")] = False


class BulkAction(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    SNOOZE = "snooze"
    ESCALATE = "escalate"
    NOTE = "note"


class BulkBody(Body):
    """One action on many incidents, each by itself, with a note on each if one is given."""

    incident_ids: Annotated[list[Id], Field(min_length=1, max_length=MOST_AT_ONCE)]
    action: BulkAction
    snooze: Annotated[SnoozeBody | None, Field(description="With `snooze` alone.")] = None
    note: Annotated[str, Text(LONGEST_NOTE)] | None = None

    @model_validator(mode="after")
    def _complete(self) -> "BulkBody":
        if (self.action is BulkAction.SNOOZE) != (self.snooze is not None):
            raise ValueError("Give snooze with the action snooze, and with no other.")
        if self.action is BulkAction.NOTE and self.note is None:
            raise ValueError("Give the note.")
        return self


class NewOverride(Body):
    """`userId` is on call from `start` until `end`, in place of everybody else or of one user."""

    user_id: Id
    replaces: Id | None = None
    start: Time
    end: Time

    @model_validator(mode="after")
    def _makes_sense(self) -> "NewOverride":
        if self.end <= self.start:
            raise ValueError("An override must end after it starts.")
        if self.end - self.start > LONGEST_OVERRIDE:
            raise ValueError(f"An override lasts {LONGEST_OVERRIDE.days} days at most.")
        if self.replaces == self.user_id:
            raise ValueError("A user cannot replace themselves.")
        return self


class RepeatBody(Body):
    """It begins again every so many days, at the same time of the day by the zone's wall clock."""

    days: Annotated[int, Field(ge=1, le=366)]
    zone: Annotated[Zone, Field(description="IANA name, such as Europe/Berlin.")] = "UTC"
    until: Annotated[Time | None, Field(description="When it begins no more.")] = None

    @property
    def longest(self) -> timedelta:
        return self.days * DAY - SHIFTED

    @property
    def repetition(self) -> Repetition:
        return Repetition(days=self.days, zone=self.zone, until=self.until)


class NewWindow(Body):
    """Incidents that the service opens in it are suppressed, and page nobody."""

    start: Annotated[Time | None, Field(description="Absent for now.")] = None
    end: Time
    repeat: RepeatBody | None = None
    reason: Annotated[str, Text(500)]
    keep_suppressed: Annotated[
        bool, Field(strict=True, description="Incidents stay suppressed when it ends.")
    ] = False


class TypedCode(Body):
    code: Annotated[
        str,
        StringConstraints(min_length=1, max_length=20),
        Field(description="The eight digits, with spaces or without."),
    ]
