"""The answer about heartbeats; as in `models`."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from opsknight.views.wire import Absent, Shape


class BeatState(StrEnum):
    WAITING = "waiting"
    """It has never beaten: nobody is paged if it does not."""
    BEATING = "beating"
    RUNNING = "running"
    LATE = "late"
    DOWN = "down"
    PAUSED = "paused"


class HeartbeatAnswer(Shape):
    service_id: str
    service_name: str
    integration_id: str
    name: str
    state: BeatState
    expected: Annotated[str, Field(description="`every 5m`, or a cron expression and its zone.")]
    grace: Annotated[str, Field(description="How much later it may be, as in `1h30m`.")]
    last_beat_at: datetime | Absent = None
    overdue_at: Annotated[
        datetime | Absent, Field(description="When it counts as down, unless it beats.")
    ] = None
    running_since: datetime | Absent = None
    down_since: datetime | Absent = None
    failure: Annotated[str | Absent, Field(description="What its sender said of it.")] = None
    incident_id: Annotated[str | Absent, Field(description="Of one that is down.")] = None


class Heartbeats(Shape):
    heartbeats: Annotated[
        Sequence[HeartbeatAnswer], Field(description="Down first, then late, then never beaten.")
    ]
    address: Annotated[
        str,
        Field(description="What a sender fetches, with the key of its integration for `KEY`."),
    ]
