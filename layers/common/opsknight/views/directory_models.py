"""The answers about people, teams and escalation policies; as in `models`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field

from opsknight.directory.entries import Role
from opsknight.directory.receivers import Channel
from opsknight.directory.sessions import Way
from opsknight.escalation.policy import TargetKind
from opsknight.incident.model import Urgency
from opsknight.notification.delivery import State
from opsknight.views.wire import Absent, Shape


class ContactMethodAnswer(Shape):
    id: str
    name: str
    channel: Channel
    address: Annotated[
        str | Absent,
        Field(description="Whole for oneself; of others, as much as tells two apart."),
    ] = None


class RuleAnswer(Shape):
    """For incidents of this urgency, by this method, so long after the page."""

    urgency: Urgency
    method_id: str
    after_seconds: int


class UserAnswer(Shape):
    id: str
    name: str
    role: Role
    disabled: bool
    zone: Annotated[str | Absent, Field(description="An IANA zone; absent for UTC.")] = None
    team_ids: Sequence[str]


class Users(Shape):
    users: Sequence[UserAnswer]


class UserDetails(UserAnswer):
    contact_methods: Sequence[ContactMethodAnswer]


class ShownUser(Shape):
    user: UserDetails


class MyTeam(Shape):
    id: str
    name: str
    lead: bool
    pages: Annotated[bool, Field(description="Whether I take the pages sent to the team.")]


class MyContactMethod(ContactMethodAnswer):
    confirmed_at: Annotated[
        datetime | Absent,
        Field(description="When a message was last shown to reach its owner; absent for never."),
    ] = None


class WaitingMethod(MyContactMethod):
    """An address that counts once its code is typed and it is taken into use."""

    replaces: Annotated[
        str | Absent, Field(description="The contact method whose address it is to take.")
    ] = None
    until: Annotated[datetime, Field(description="When it is forgotten.")]


class FilePlaceAnswer(Shape):
    file: Annotated[str, Field(description="As its operator named it.")]
    line: int


class InFileAnswer(Shape):
    """Where the configuration file that was applied last has the caller."""

    contact_methods: FilePlaceAnswer | Absent = None
    rules: FilePlaceAnswer | Absent = None
    applied_at: datetime
    applied_by: str
    revision: int


class MeAnswer(UserDetails):
    """The caller."""

    contact_methods: Sequence[MyContactMethod]
    waiting: Annotated[
        Sequence[WaitingMethod],
        Field(description="Addresses that wait for their code. Nothing else is sent to them."),
    ]
    owns_contact_methods: Annotated[
        bool, Field(description="False where the configuration file has them.")
    ]
    owns_rules: Annotated[bool, Field(description="False where the configuration file has them.")]
    in_file: Annotated[
        InFileAnswer | Absent,
        Field(description="Where it has them; absent where it has neither, or was applied before."),
    ] = None
    email: str
    teams: Sequence[MyTeam]
    rules: Sequence[RuleAnswer]
    scopes: Annotated[Sequence[str], Field(description="What this call may do.")]


class NewMethodAnswer(Shape):
    waiting: WaitingMethod


class MyRules(Shape):
    rules: Annotated[Sequence[RuleAnswer], Field(description="None for the defaults.")]


class Me(Shape):
    me: MeAnswer


class SessionAnswer(Shape):
    """Somebody logged in to the console."""

    id: str
    way: Way
    agent: Annotated[str, Field(description="What the browser says it is.")]
    created_at: datetime
    ends_at: datetime
    current: Annotated[bool, Field(description="Whether this call is by it.")]


class MySessions(Shape):
    sessions: Annotated[Sequence[SessionAnswer], Field(description="Those that are not over.")]


class CodeAnswer(Shape):
    """A code that was sent to a contact method of the caller."""

    id: str
    state: Annotated[State, Field(description="Of the message that brings it.")]
    why: Annotated[
        str | Absent, Field(description="Why it is not sent, or not yet, in the provider's words.")
    ] = None
    ends_at: Annotated[datetime, Field(description="Until when it counts.")]


class MyKey(Shape):
    id: str
    name: str
    scopes: Sequence[str]
    created_at: datetime
    ends_at: datetime | Absent = None
    used_on: Annotated[str | Absent, Field(description="The last day on which it was used.")] = None
    current: Annotated[bool, Field(description="Whether this call is by it.")]


class MyKeys(Shape):
    keys: Annotated[Sequence[MyKey], Field(description="Those that work.")]


class MemberAnswer(Shape):
    user_id: str
    user_name: str | Absent = None
    lead: bool
    pages: Annotated[bool, Field(description="Whether they take the pages sent to the team.")]


class TeamAnswer(Shape):
    id: str
    name: str
    members: Sequence[MemberAnswer]


class Teams(Shape):
    teams: Sequence[TeamAnswer]


class TargetAnswer(Shape):
    kind: TargetKind
    id: str
    name: str | Absent = None


class PolicyStepAnswer(Shape):
    delay_seconds: Annotated[int, Field(description="How long it waits after the step before it.")]
    targets: Sequence[TargetAnswer]


class PolicyAnswer(Shape):
    id: str
    name: str
    version: int
    steps: Sequence[PolicyStepAnswer]
    repeat: Annotated[int, Field(description="How many rounds follow the first.")]
    pause_seconds: Annotated[int, Field(description="Between two rounds.")]


class Policies(Shape):
    policies: Sequence[PolicyAnswer]


class ShownPolicy(Shape):
    policy: PolicyAnswer
