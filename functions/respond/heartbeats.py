"""The handler of the HTTP API for heartbeats: what is expected to beat, and whether it does."""

from typing import Final

from opsknight.directory.entries import Service
from opsknight.directory.heartbeats import Heartbeat, Pulse, PulseState, dedup_key, state
from opsknight.directory.integrations import Integration
from opsknight.http.gateway import Answer
from opsknight.store.configurations import Configurations
from opsknight.store.heartbeats import Heartbeats as Rows
from opsknight.views.heartbeat_models import BeatState, HeartbeatAnswer, Heartbeats
from opsknight.views.lengths import in_words
from respond.request import ApiCall

ADDRESS: Final = "/heartbeat/KEY"
_STATES: Final = {
    PulseState.WAITING: BeatState.WAITING,
    PulseState.BEATING: BeatState.BEATING,
    PulseState.RUNNING: BeatState.RUNNING,
    PulseState.LATE: BeatState.LATE,
    PulseState.DOWN: BeatState.DOWN,
    PulseState.PAUSED: BeatState.PAUSED,
}
_FIRST: Final = (BeatState.DOWN, BeatState.LATE, BeatState.WAITING)


def list_heartbeats(call: ApiCall) -> Answer:
    """Those of services that the caller may see."""
    known = Configurations(call.table).read(call.deadline).configuration
    sees_all, teams = call.caller.sees_all, call.caller.user.team_ids
    services = {
        each.id: each for each in known.services.values() if sees_all or each.team_id in teams
    }
    mine = [
        (services[each.service_id], each, each.heartbeat)
        for each in known.integrations.values()
        if each.heartbeat is not None and each.service_id in services
    ]
    pulses = Rows(call.table).pulses(((one.id, each.id) for one, each, _ in mine), call.deadline)
    found = [_answer(*each, pulses.get((each[0].id, each[1].id)), call) for each in mine]
    found.sort(key=lambda each: (_rank(each.state), each.service_name, each.name))
    return Answer(200, Heartbeats(heartbeats=found, address=ADDRESS))


def _rank(of: BeatState) -> int:
    return _FIRST.index(of) if of in _FIRST else len(_FIRST)


def _answer(
    service: Service,
    integration: Integration,
    beats: Heartbeat,
    pulse: Pulse | None,
    call: ApiCall,
) -> HeartbeatAnswer:
    how = _STATES[state(pulse, service.maintenance_at(call.now) is not None, call.now)]
    known = pulse or Pulse(service_id=service.id, integration_id=integration.id)
    alive = how not in (BeatState.DOWN, BeatState.WAITING)
    every = f"every {in_words(beats.every)}"
    return HeartbeatAnswer(
        service_id=service.id,
        service_name=service.name,
        integration_id=integration.id,
        name=integration.name,
        state=how,
        expected=every if beats.cron is None else f"{beats.cron} ({beats.zone or 'UTC'})",
        grace=in_words(beats.grace),
        last_beat_at=known.last_at,
        overdue_at=known.due_at if alive else None,
        running_since=known.started_at,
        down_since=known.down_at if how is BeatState.DOWN else None,
        failure=known.failure,
        incident_id=_incident(service, integration, call) if how is BeatState.DOWN else None,
    )


def _incident(service: Service, integration: Integration, call: ApiCall) -> str | None:
    """One read for each that is down, of which there are few."""
    name = dedup_key(integration.id)
    pointer = call.table.pointer(service.id, name, call.deadline, internal=True)
    return pointer.id if pointer else None
