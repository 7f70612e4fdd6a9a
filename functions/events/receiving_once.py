"""An event of `POST /api/events` with an Idempotency-Key. Imported by the first request that has
one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from events.call import Call, Sender
from events.contract import accepted
from events.intake import outcome
from events.reception import Reception
from opsknight.http.gateway import Answer, HttpError
from opsknight.http.idempotency import Once, once
from opsknight.incident.decisions import Ignored, NotAllowed, Repeated, Unchanged
from opsknight.incident.members import GroupDecision
from opsknight.incident.model import Event

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write


def receive_once(
    event: Event,
    sender: Sender,
    call: Call,
    reception: Reception,
    receive: Callable[[Call], Answer],
) -> Answer:
    """Carries out `receive`, unless it was carried out before. It is a request like any other,
    whatever becomes of it. Raises LimitReached, Unavailable.
    """
    # First: a request over the limit costs no write.
    limits = reception.admit(sender, call, event)
    table, token = reception.intake.table, reception.intake.new_id("req", call.now)
    try:
        found = once(call.request, sender.key.id, token, table, call.now, call.deadline)
    except HttpError as refused:
        found = refused.answer
    counted = replace(call, is_counted=True)
    if found is None:
        return _with(limits, receive(counted))
    if isinstance(found, Answer):
        call.log(replayed=found.status < 400)
        return found if found.expected else _with(limits, found)
    record = found

    def beside(decision: GroupDecision | NotAllowed) -> "Sequence[Write]":
        return _beside(record, decision)

    counted = replace(counted, beside=beside)
    return record.carry_out(lambda: _with(limits, receive(counted)))


def _with(limits: Mapping[str, str], answer: Answer) -> Answer:
    return replace(answer, headers={**limits, **answer.headers})


def _beside(record: Once, decision: GroupDecision | NotAllowed) -> "Sequence[Write]":
    match decision:
        case Repeated() | Unchanged() | Ignored() | NotAllowed():
            return record.beside(None)
        case _:
            return record.beside(Answer(202, accepted(*outcome(decision))))
