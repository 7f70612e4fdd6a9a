"""The answer with the audit log; as in `models`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field

from opsknight.incident.model import ActorKind
from opsknight.views.wire import Absent, Shape


class AuditActor(Shape):
    kind: ActorKind
    id: Annotated[str, Field(description="Of a user, an API key, or an ARN of AWS.")]
    name: str
    user_id: Annotated[
        str | Absent,
        Field(description="The owner of an API key, or whom an operator says to act for."),
    ] = None


class AuditThing(Shape):
    kind: Annotated[str, Field(description="`service`, `schedule`, `key`, `user`, ...")]
    id: str
    name: str | Absent = None


class AuditFact(Shape):
    name: str
    before: Annotated[str | Absent, Field(description="Absent where it is new.")] = None
    after: Annotated[str | Absent, Field(description="Absent where it is gone.")] = None


class AuditEntryAnswer(Shape):
    id: str
    at: datetime
    kind: Annotated[str, Field(description="`override_added`, `key_revoked`, ...")]
    title: Annotated[str, Field(description="The kind as people read it.")]
    actor: AuditActor
    via: Annotated[str, Field(description="`console`, `api` or `command_line`.")]
    source: Annotated[
        str | Absent, Field(description="The IP address; absent for the command line.")
    ] = None
    things: Annotated[
        Sequence[AuditThing], Field(description="What it is about, then what that belongs to.")
    ]
    facts: Annotated[Sequence[AuditFact], Field(description="What it changed.")]


class AuditLogAnswer(Shape):
    entries: Annotated[Sequence[AuditEntryAnswer], Field(description="Newest first.")]
    cursor: Annotated[
        str | Absent,
        Field(description="Goes on with older ones; absent at the end. An answer may have few."),
    ] = None
