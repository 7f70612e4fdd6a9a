"""The answers of the HTTP API, each shape once: handlers return these, and the OpenAPI description
is made from them. `answers` fills them, `wire` writes them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import Field

from opsknight.directory.receivers import Channel, IncidentEvent
from opsknight.directory.status_pages import StatusPageEvent
from opsknight.escalation.pages import PageState, Why
from opsknight.incident.model import ActorKind, Escalation, Severity, Status, Urgency
from opsknight.notification.delivery import State
from opsknight.notification.message import PageReason
from opsknight.views.summary import IncidentAnswer
from opsknight.views.wire import Absent, Shape

COUNTED: Final = "From 1."
HAS_IT: Final = (
    "Whether its assignee acknowledged it, or was given it, and it has not paged on since; of a"
    " resolved one, whether they had it. Otherwise its assignee was paged first, or had it before."
)


class MembersAnswer(Shape):
    """The alerts of a group, in one incident."""

    firing: int
    total: Annotated[int, Field(description="All it has had since it opened.")]


class ListedIncident(Shape):
    id: str
    title: str
    status: Status
    urgency: Urgency
    service_id: str
    service_name: str | Absent = None
    created_at: datetime
    assignee_id: str | Absent = None
    assignee_name: str | Absent = None
    dedup_key: Annotated[
        str | Absent,
        Field(
            description="In lists with `details=true`, as what follows up to `resolvedAt`."
            " Resolved ones of all services have all but this and `lastAlertAt` anyway."
        ),
    ] = None
    alert_count: int | Absent = None
    last_alert_at: datetime | Absent = None
    acknowledged_at: datetime | Absent = None
    resolved_at: datetime | Absent = None
    assignee_has_it: Annotated[
        bool | Absent, Field(description=f"Only in lists with `details=true`. {HAS_IT}")
    ] = None
    members: MembersAnswer | Absent = None


class IncidentPage(Shape):
    incidents: Sequence[ListedIncident]
    cursor: Annotated[
        str | Absent, Field(description="For the next page; absent on the last one.")
    ] = None


class ActorAnswer(Shape):
    """Who did it."""

    kind: ActorKind
    id: str
    name: str


class EscalationAnswer(Shape):
    status: Escalation
    policy_id: str | Absent = None
    policy_name: str | Absent = None
    policy_version: int | Absent = None
    step: Annotated[int | Absent, Field(description=COUNTED)] = None
    round: Annotated[int | Absent, Field(description=COUNTED)] = None
    next_at: Annotated[
        datetime | Absent, Field(description="When its next step or round is due.")
    ] = None


class TimelineEntry(Shape):
    """A change, with who made it and the status after it; a step of the escalation, with the users
    it paged; or how a message to a user ended.
    """

    at: datetime
    what: str
    text: Annotated[
        str, Field(description="As a person reads it, with times by the caller's clock.")
    ]
    by: ActorAnswer | Absent = None
    status: Status | Absent = None
    detail: Mapping[str, str] | Absent = None
    step: Annotated[int | Absent, Field(description=COUNTED)] = None
    round: Annotated[int | Absent, Field(description=COUNTED)] = None
    user_ids: Sequence[str] | Absent = None
    user_names: Annotated[
        Sequence[str] | Absent,
        Field(description="In the same order; the id of a user who is gone."),
    ] = None
    reason: Why | Absent = None
    user_id: str | Absent = None
    user_name: str | Absent = None
    channel: Channel | Absent = None
    receiver_id: str | Absent = None
    why: str | Absent = None


class AdjustedField(Shape):
    field: str
    sent: Annotated[str, Field(description="At most 500 characters of it.")]
    taken: str


class AlertAnswer(Shape):
    """An accepted trigger."""

    id: str
    at: datetime
    by: ActorAnswer
    summary: str
    source: str
    severity: Severity
    description: Annotated[
        str | Absent, Field(description="Its custom details, as indented JSON.")
    ] = None
    details: Annotated[
        str | Absent, Field(description="The same as lines of `key: value`, for people.")
    ] = None
    adjusted: Annotated[
        Sequence[AdjustedField] | Absent,
        Field(description="What was taken otherwise than it was sent, on compatible paths."),
    ] = None


class AttemptAnswer(Shape):
    at: datetime
    outcome: Annotated[str, Field(json_schema_extra={"enum": ["sent", "retry", "failed"]})]
    why: str | Absent = None
    ms: int


class ActByDelivery(Shape):
    at: datetime
    what: Annotated[str, Field(description="As the timeline says it.")]
    by: ActorAnswer


class DeliveryAnswer(Shape):
    """One message to one receiver: a user's contact method, or a receiver of the service or of a
    status page. Its address is left out.
    """

    id: str
    about: PageReason | IncidentEvent | StatusPageEvent
    channel: Channel
    receiver_id: str
    state: State
    why: str | Absent = None
    not_before: datetime
    reported: Annotated[str | Absent, Field(description="By the provider, later.")] = None
    opened_at: Annotated[
        datetime | Absent, Field(description="When a browser first went to its link.")
    ] = None
    fetched_at: Annotated[
        datetime | Absent,
        Field(description="When its link was first fetched otherwise: it may be a scanner."),
    ] = None
    acts: Annotated[
        Sequence[ActByDelivery] | Absent,
        Field(description="What was done by its link, a button or its number; oldest first."),
    ] = None
    attempts: Sequence[AttemptAnswer]
    user_id: str | Absent = None
    service_id: str | Absent = None
    status_page_id: str | Absent = None
    owner_name: Annotated[
        str | Absent, Field(description="Of the user, the service or the status page.")
    ] = None


class PageAnswer(Shape):
    """Who was paged, and what became of it."""

    at: datetime
    user_id: str
    step: int | Absent = None
    reason: Why
    state: PageState | Absent = None


class LinkAnswer(Shape):
    """Where to look next: a runbook, a dashboard, or whatever else the event linked to."""

    text: str
    href: str
    image: Annotated[bool | Absent, Field(description="Whether it is a picture.")] = None


class RolloutAnswer(Shape):
    """A deploy or another change of the service that a pipeline reported."""

    id: str
    at: datetime
    by: ActorAnswer
    summary: str
    source: str
    details: str | Absent = None
    links: Sequence[LinkAnswer] = ()


class IncidentDetails(IncidentAnswer):
    """All of an incident."""

    description: Annotated[
        str | Absent,
        Field(description="The custom details of its first alert, as indented JSON."),
    ] = None
    details: Annotated[
        str | Absent, Field(description="The same as lines of `key: value`, for people.")
    ] = None
    links: Annotated[
        Sequence[LinkAnswer],
        Field(description="Of its first alert; runbooks first."),
    ] = ()
    rollouts: Annotated[
        Sequence[RolloutAnswer] | Absent,
        Field(description="What changed on its service within the hour before; the last first."),
    ] = None
    alert_count: int
    members: MembersAnswer | Absent = None
    last_alert_at: datetime
    acknowledged_at: datetime | Absent = None
    resolved_at: datetime | Absent = None
    assignee_id: str | Absent = None
    assignee_name: str | Absent = None
    assignee_has_it: Annotated[bool, Field(description=HAS_IT)]
    service_name: str | Absent = None
    snoozed_until: datetime | Absent = None
    reopens_at: Annotated[
        datetime | Absent,
        Field(description="When it opens again and pages, if it stays acknowledged until then."),
    ] = None
    urgency_in_hours: Annotated[
        Urgency | Absent,
        Field(description="Its urgency from when the support hours of its service begin."),
    ] = None
    maintenance_window_id: Annotated[
        str | Absent, Field(description="The window that suppressed it.")
    ] = None
    shadow: Annotated[
        bool | Absent,
        Field(description="True if it opened while its service was in shadow, and paged nobody."),
    ] = None
    escalation: EscalationAnswer
    timeline: Annotated[Sequence[TimelineEntry], Field(description="Oldest first; the newest 200.")]
    alerts: Annotated[Sequence[AlertAnswer], Field(description="Newest first; at most 20.")]
    deliveries: Annotated[Sequence[DeliveryAnswer], Field(description="The newest 200.")]


class ShownIncident(Shape):
    incident: IncidentDetails


class ActResult(Shape):
    action: Annotated[str, Field(description="What was done, as the timeline says it.")]
    incident: Annotated[IncidentAnswer, Field(description="As it is afterwards.")]


class Done(Shape):
    status: Literal["success"]
    result: ActResult


class NotPossible(Shape):
    error: str
    code: Annotated[str | Absent, Field(description="Stable, unlike the words of `error`.")] = None
    type: Annotated[str | Absent, Field(description="RFC 9457: the code as a URN.")] = None
    title: Annotated[str | Absent, Field(description="RFC 9457.")] = None
    status: Annotated[
        Status | int | Absent,
        Field(description="The incident's status now; without an incident, that of the answer."),
    ] = None
    maximum: Annotated[int | Absent, Field(description="The most of what there is too much.")] = (
        None
    )
