"""Playing one event: what the rules decide, and what follows if nobody acts. Pure."""

from dataclasses import field
from datetime import datetime
from typing import assert_never

from opsknight.classes import dataclass
from opsknight.directory.entries import Service
from opsknight.incident.decisions import (
    Decision,
    Ignored,
    Merged,
    Opened,
    Repeated,
    Transitioned,
    Unchanged,
)
from opsknight.incident.events import AT_ONCE, Opening, decide
from opsknight.incident.model import Event, Incident
from opsknight.simulation import Roster, Simulation, after, simulate


@dataclass(frozen=True, slots=True)
class Stage:
    """Where an event is played."""

    place: str
    """The name in sentences."""
    service: Service
    roster: Roster
    incident: Incident | None = None
    """The active incident with the event's dedup key."""
    unreadable: list[str] = field(default_factory=list[str])
    """Entries that failed validation, and are left out."""


@dataclass(frozen=True, slots=True)
class Played:
    event: Event
    stage: Stage
    at: datetime
    decision: Decision | None
    """None when the service is disabled: its keys are refused."""
    simulation: Simulation | None
    """None when nothing follows."""


def play(event: Event, stage: Stage, at: datetime, opening: Opening = AT_ONCE) -> Played:
    """Plays an event that is sent at that time, as if nobody acted afterwards."""
    service = stage.service
    if service.disabled:
        return Played(event, stage, at, None, None)
    decision = decide(
        stage.incident,
        event,
        now=at,
        incident_id="inc_simulated",
        alert_id="al_simulated",
        window=service.window_at(at),
        raising=service.raises_urgency,
        timeouts=service.timeouts,
        hours=service.out_of_hours(at),
        opening=opening,
    )
    return Played(event, stage, at, decision, _simulate(decision, stage, at))


def _simulate(decision: Decision, stage: Stage, at: datetime) -> Simulation | None:
    match decision:
        case Opened(incident):
            return simulate(incident, stage.roster, at)
        case Merged(_, alert, Transitioned() as raised) if stage.incident is not None:
            count = stage.incident.alert_count + 1
            more = {"alert_count": count, "last_alert_at": alert.at}
            changed = after(stage.incident, raised).model_copy(update=more)
            return simulate(changed, stage.roster, at, raised.change)
        case Transitioned() as transition if stage.incident is not None:
            changed = after(stage.incident, transition)
            return simulate(changed, stage.roster, at, transition.change)
        case Merged() | Transitioned() | Repeated() | Unchanged() | Ignored():
            return None
        case _:
            assert_never(decision)
