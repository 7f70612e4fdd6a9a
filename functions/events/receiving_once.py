"""An event of `POST /api/events` with an Idempotency-Key. Imported by the first request that has
one.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from events.call import Call, Sender
from events.contract import accepted
from events.intake import outcome
from events.reception import Reception
from opsknight.http.gateway import Answer, HttpError
from opsknight.http.idempotency import Once, once
from opsknight.incident.decisions import Decision, Merged, NotAllowed, Opened, Transitioned

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write


def receive_once(
    sender: Sender, call: Call, reception: Reception, receive: Callable[[Call], Answer]
) -> Answer:
    """Carries out `receive`, unless it was carried out before. Raises LimitReached, Unavailable."""
    table, token = reception.intake.table, reception.intake.new_id("req", call.now)
    try:
        found = once(call.request, sender.key.id, token, table, call.now, call.deadline)
    except HttpError as refused:
        found = refused.answer
    if found is None:
        return receive(call)
    if isinstance(found, Answer):
        # It is a request like any other.
        headers = reception.admit(sender, call)
        call.log(replayed=found.status < 400)
        return found if found.expected else replace(found, headers={**headers, **found.headers})
    record = found

    def beside(decision: Decision | NotAllowed) -> "Sequence[Write]":
        return _beside(record, decision)

    return record.carry_out(lambda: receive(replace(call, beside=beside)))


def _beside(record: Once, decision: Decision | NotAllowed) -> "Sequence[Write]":
    match decision:
        case Opened() | Merged() | Transitioned():
            return record.beside(Answer(202, accepted(*outcome(decision))))
        case _:
            return record.beside(None)
