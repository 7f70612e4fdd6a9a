"""The handler of the HTTP API that plays a night: who would be paged for an event, when and how, if
nobody acted. Nothing is written or sent.
"""

from typing import Final

from opsknight.config.configuration import slug_of
from opsknight.http.gateway import Answer, HttpError
from opsknight.incident.decisions import Opened
from opsknight.incident.model import URGENCY, Action, Event, Status
from opsknight.simulation import Sent
from opsknight.store.receivers import Receivers
from opsknight.views import simulation_models as models
from opsknight.views.night.play import Played, Stage, play
from opsknight.views.night.roster import Loading
from opsknight.views.night.rows import rows
from opsknight.views.wire import time
from respond.contract import NightBody
from respond.incidents import SEVERITY
from respond.request import ApiCall

# A schedule with a gap takes hundreds of steps that reach nobody.
MOST_ROWS: Final = 200


def simulate_night(call: ApiCall, wanted: NightBody) -> Answer:
    service = call.table.service(wanted.service_id, call.deadline)
    call.caller.require(service, "Service")
    if service is None:
        raise HttpError(404, "Service not found")
    event = Event(
        action=Action.TRIGGER,
        service_id=service.id,
        dedup_key="simulated",
        summary="A simulated event",
        severity=SEVERITY[wanted.urgency],
        body="{}",
        actor=call.caller.actor,
    )
    roster = Loading(call.table, call.deadline).roster(service, None)
    at = wanted.at or call.now
    played = play(event, Stage("the deployment", service, roster), at)
    return Answer(200, models.SimulatedAnswer(simulation=_shown(played, call)))


def _shown(played: Played, call: ApiCall) -> models.Simulated:
    simulation, service = played.simulation, played.stage.service
    found = [] if simulation is None else rows(played.stage, simulation)
    sent = [
        each.delivery
        for each in (simulation.happenings if simulation else ())
        if isinstance(each, Sent) and each.delivery.pages
    ]
    states = Receivers(call.table).states({each.destination for each in sent}, call.deadline)
    failing: dict[tuple[str, str], list[str]] = {}
    for each in sent:
        state = states.get(each.destination)
        if state is not None and state.failing_since is not None:
            text = f"{each.channel} since {time(state.failing_since)}"
            known = failing.setdefault((time(each.not_before), slug_of(each.user_id)), [])
            known += [text] if text not in known else []
    opened = played.decision.incident if isinstance(played.decision, Opened) else None
    return models.Simulated(
        service_id=service.id,
        at=played.at,
        urgency=URGENCY[played.event.severity] if opened is None else opened.urgency,
        opens=opened is not None and opened.status is Status.OPEN,
        policy_name=simulation.policy.name if simulation and simulation.policy.version else None,
        timeline=[
            models.SimulatedRow(
                at=each.at,
                after_seconds=int((each.at - played.at).total_seconds()),
                kind=each.kind,
                who=each.who,
                how=each.how,
                why=each.why,
                failing=failing.get((time(each.at), each.more.get("user", ""))),
            )
            for each in found[:MOST_ROWS]
        ],
        ends=simulation is None or (simulation.is_over and len(found) <= MOST_ROWS),
    )
