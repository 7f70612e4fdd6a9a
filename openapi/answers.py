"""What the HTTP API answers, as models. `respond.shapes` builds it by hand and never makes these:
building models would cost the function its start. Tests hold real answers against them.
"""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.json_schema import SkipJsonSchema

from events.contract import IncidentAnswer
from opsknight.directory.receivers import Channel, IncidentEvent, StatusPageEvent
from opsknight.escalation.pages import Why
from opsknight.incident.model import ActorKind, Escalation, Severity, Status, Urgency
from opsknight.notification.delivery import State
from opsknight.notification.message import PageReason

# What has no value is left out.
Absent = SkipJsonSchema[None]
COUNTED: Final = "From 1."


class Answered(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)


class ListedIncident(Answered):
    id: str
    title: str
    status: Status
    urgency: Urgency
    service_id: str
    created_at: datetime
    assignee_id: str | Absent = None


class IncidentPage(Answered):
    incidents: list[ListedIncident]
    cursor: Annotated[
        str | Absent, Field(description="For the next page; absent when there is none.")
    ] = None


class ActorAnswer(Answered):
    """Who did it."""

    kind: ActorKind
    id: str
    name: str


class EscalationAnswer(Answered):
    status: Escalation
    policy_id: str | Absent = None
    policy_version: int | Absent = None
    step: Annotated[int | Absent, Field(description=COUNTED)] = None
    round: Annotated[int | Absent, Field(description=COUNTED)] = None


class TimelineEntry(Answered):
    """A change, by somebody, with the status after it; a step of the escalation, with whom it
    paged; or how a message to somebody ended.
    """

    at: datetime
    what: str
    by: ActorAnswer | Absent = None
    status: Status | Absent = None
    detail: dict[str, str] | Absent = None
    step: Annotated[int | Absent, Field(description=COUNTED)] = None
    round: Annotated[int | Absent, Field(description=COUNTED)] = None
    user_ids: list[str] | Absent = None
    reason: Why | Absent = None
    user_id: str | Absent = None
    channel: Channel | Absent = None
    receiver_id: str | Absent = None
    why: str | Absent = None


class AlertAnswer(Answered):
    """An accepted trigger."""

    id: str
    at: datetime
    by: ActorAnswer
    summary: str
    source: str
    severity: Severity
    description: Annotated[str | Absent, Field(description="Its custom details.")] = None


class AttemptAnswer(Answered):
    at: datetime
    outcome: Literal["sent", "retry", "failed"]
    why: str | Absent = None
    ms: int


class DeliveryAnswer(Answered):
    """One message to one receiver: a user's contact method, or a receiver of the service or of a
    status page. Its address is not told.
    """

    id: str
    about: PageReason | IncidentEvent | StatusPageEvent
    channel: Channel
    receiver_id: str
    state: State
    why: str | Absent = None
    not_before: datetime
    reported: Annotated[str | Absent, Field(description="By the provider, later.")] = None
    attempts: list[AttemptAnswer]
    user_id: str | Absent = None
    service_id: str | Absent = None
    status_page_id: str | Absent = None


class IncidentDetails(IncidentAnswer):
    """All of an incident."""

    description: Annotated[
        str | Absent, Field(description="The custom details of its first alert.")
    ] = None
    alert_count: int
    last_alert_at: datetime
    acknowledged_at: datetime | Absent = None
    resolved_at: datetime | Absent = None
    assignee_id: str | Absent = None
    snoozed_until: datetime | Absent = None
    maintenance_window_id: Annotated[
        str | Absent, Field(description="Of the window that suppressed it.")
    ] = None
    escalation: EscalationAnswer
    timeline: Annotated[list[TimelineEntry], Field(description="Oldest first; the newest 200.")]
    alerts: Annotated[list[AlertAnswer], Field(description="Newest first; at most 20.")]
    deliveries: Annotated[list[DeliveryAnswer], Field(description="The newest 200.")]


class ShownIncident(Answered):
    incident: IncidentDetails


class ActResult(Answered):
    action: Annotated[str, Field(description="What was done, as the timeline tells it.")]
    incident: Annotated[IncidentAnswer, Field(description="As it is afterwards.")]


class Done(Answered):
    status: Literal["success"]
    result: ActResult


class ServiceAnswer(Answered):
    id: str
    name: str
    team_id: str
    disabled: bool
    policy_id: str | Absent = None
    maintenance_until: Annotated[
        datetime | Absent, Field(description="Absent when no window is in force.")
    ] = None


class Services(Answered):
    services: list[ServiceAnswer]


class WindowAnswer(Answered):
    id: str
    start: datetime
    end: datetime
    reason: str
    keep_suppressed: bool


class Windows(Answered):
    maintenance: Annotated[list[WindowAnswer], Field(description="Those that are not over.")]


class NewWindowAnswer(Answered):
    maintenance: WindowAnswer


class EndedWindow(Answered):
    status: Literal["success"]
    incidents: Annotated[int, Field(description="How many it suppressed that are OPEN soon.")]


class LayerAnswer(Answered):
    id: str
    users: list[str]


class ScheduleAnswer(Answered):
    id: str
    name: str
    zone: str
    layers: list[LayerAnswer]
    on_call: Annotated[str | None, Field(description="The user who is, now.")]


class Schedules(Answered):
    schedules: list[ScheduleAnswer]


class OverrideAnswer(Answered):
    id: str
    user_id: str
    replaces: str | Absent = None
    start: datetime
    end: datetime
    created_at: datetime | Absent = None


class Overrides(Answered):
    overrides: Annotated[list[OverrideAnswer], Field(description="Those that are not over.")]


class NewOverrideAnswer(Answered):
    override: OverrideAnswer


class Removed(Answered):
    status: Literal["success"]


class ShiftAnswer(Answered):
    user_id: str
    start: datetime
    end: datetime
    layer: Annotated[str | Absent, Field(description="By which it is theirs.")] = None
    override: Annotated[str | Absent, Field(description="By which it is theirs.")] = None


class OnCallSchedule(Answered):
    schedule_id: str
    name: str
    at: datetime
    user_id: Annotated[str | None, Field(description="null when nobody is.")]
    shifts: Annotated[list[ShiftAnswer], Field(description="Of the seven days from then on.")]


class OnCall(Answered):
    on_call: list[OnCallSchedule]


class NotPossible(Answered):
    error: str
    status: Annotated[Status | Absent, Field(description="Of the incident, now.")] = None
    maximum: Annotated[int | Absent, Field(description="Of maintenance windows.")] = None
