"""One action on many incidents: each by itself, so that the failure of one harms no other."""

from dataclasses import replace
from typing import Final, assert_never

from opsknight.http.body import invalid
from opsknight.http.gateway import Answer, HttpError, Issue
from opsknight.incident.commands import Acknowledge, Command, Escalate, Note, Resolve, Snooze
from opsknight.incident.model import Status
from opsknight.store.calls import Unavailable
from opsknight.views.pulse_models import BulkResult, BulkResults
from opsknight.views.wire import Shape, to_json
from respond.contract import BulkAction, BulkBody
from respond.incidents import execute
from respond.request import ApiCall

UNAVAILABLE: Final = 503


def act_on_many(call: ApiCall, wanted: BulkBody) -> Answer:
    commands = _commands(call, wanted)
    asked = list(dict.fromkeys(wanted.incident_ids))
    running = [call.workers.submit(_act, replace(call, ids=(each,)), commands) for each in asked]
    results = [each.result() for each in running]
    if call.once:
        call.once.keeps = all(each.status != UNAVAILABLE for each in results)
    if all(each.status == UNAVAILABLE for each in results):
        raise Unavailable("the action could be carried out on none of the incidents")
    return Answer(200, BulkResults(results=results))


def _commands(call: ApiCall, wanted: BulkBody) -> list[Command]:
    """The action, and the note after it: a note must not say what did not happen."""
    commands: list[Command] = []
    match wanted.action:
        case BulkAction.ACKNOWLEDGE:
            commands.append(Acknowledge(by=call.caller.user.id))
        case BulkAction.RESOLVE:
            commands.append(Resolve())
        case BulkAction.SNOOZE:
            until = wanted.snooze.ends(call.now) if wanted.snooze else None
            if until is None:
                message = "must be after now, and within 7 days"
                raise invalid(Issue(path="snooze.until", message=message))
            commands.append(Snooze(until))
        case BulkAction.ESCALATE:
            commands.append(Escalate(None))
        case BulkAction.NOTE:
            pass
        case _:
            assert_never(wanted.action)
    if wanted.note is not None:
        commands.append(Note(wanted.note, False))
    return commands


def _act(call: ApiCall, commands: list[Command]) -> BulkResult:
    """What became of one. The first command's answer is shown, as the note is no news."""
    [incident_id] = call.ids
    try:
        (action, status), *_ = [_done(call, *each) for each in enumerate(commands)]
    except HttpError as error:
        refused = error.answer
        return BulkResult(
            id=incident_id,
            status=refused.status,
            error=getattr(refused.body, "error", None),
            incident_status=getattr(refused.body, "status", None),
        )
    except Unavailable:
        return BulkResult(id=incident_id, status=UNAVAILABLE, error="Service unavailable")
    return BulkResult(
        id=incident_id,
        status=200,
        action=action,
        incident_status=status,
    )


def _done(call: ApiCall, number: int, command: Command) -> tuple[str, Status]:
    """The action and the status after it. Raises HttpError and Unavailable."""
    # Each incident has its own transaction, and so a record of its own.
    part = call.once.part(f"{call.ids[0]}/{number}", call.now) if call.once else None
    if isinstance(part, Answer):
        answer = part
    elif part is not None:
        own = replace(call, once=part)
        answer = part.carry_out(lambda: Answer(200, execute(own, command)))
    else:
        answer = Answer(200, execute(call, command))
    document = to_json(answer.body) if isinstance(answer.body, Shape) else answer.body
    match document:
        case {"result": {"action": str(action), "incident": {"status": str(status)}}}:
            return action, Status(status)
        case _:
            raise AssertionError("only what was done has a record")
