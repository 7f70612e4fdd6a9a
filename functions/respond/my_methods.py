"""Handlers of the HTTP API for the caller's own contact methods: a code is sent to one of them, and
whoever types it has shown that it reaches them. And the caller's keys.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from opsknight.directory import profile
from opsknight.directory.entries import ApiKey, User
from opsknight.directory.receivers import Owner, Receiver
from opsknight.http.gateway import Answer, Failure, HttpError
from opsknight.notification import codes
from opsknight.notification.delivery import Delivery, delivery_id
from opsknight.notification.recipients import methods
from opsknight.notification.requested import deliveries_of_code, deliveries_of_test
from opsknight.runtime.wakeups import delivery_wakeup
from opsknight.store.keys import Keys
from opsknight.store.receivers import Receivers
from opsknight.views import directory_answers as answers
from opsknight.views import directory_models as models
from opsknight.views.roster_models import Removed
from respond.body import NoBody
from respond.contract import TypedCode
from respond.request import ApiCall

# Text messages and calls cost money, and somebody who types a wrong number wakes a stranger.
MOST_AN_HOUR: Final = 10


def send_test(call: ApiCall, _: NoBody) -> Answer:
    [method_id] = call.ids
    user, method = call.caller.user, _method(call, method_id)
    _check(call)
    test_id = call.new_id("test")
    [delivery] = deliveries_of_test(test_id, user, [method], call.now)
    call.table.plan_delivery(delivery, call.deadline)
    call.queue.enqueue([delivery_wakeup(delivery, call.now)], call.now)
    return Answer(202, answers.code(test_id, delivery))


def show_test(call: ApiCall) -> Answer:
    method_id, test_id = call.ids
    return Answer(200, answers.code(test_id, _delivery(call, method_id, test_id, "test_")))


def send_code(call: ApiCall, _: NoBody) -> Answer:
    [method_id] = call.ids
    method = _method(call, method_id, waiting=True)
    # As they are now: the address that it replaces may be a new one, too.
    user = _user(call) or call.caller.user
    _check(call)
    code_id = call.new_id("code")
    masked = answers.masked(method.channel, method.to)
    planned = deliveries_of_code(code_id, user, method, masked, call.now)
    for each in planned:
        call.table.plan_delivery(each, call.deadline)
    call.queue.enqueue([delivery_wakeup(each, call.now) for each in planned], call.now)
    return Answer(202, answers.code(code_id, planned[-1]))


def _check(call: ApiCall) -> None:
    """Raises HttpError while nothing is sent, and for whoever has asked for enough."""
    if (spell := call.hold().spell(call.now)) is not None:
        expected = f"Nothing is sent until {spell.end:%H:%M} UTC: the deployment is on hold."
        raise HttpError(409, Failure(error="On hold", message=expected))
    name = f"codes:{call.caller.user.id}"
    if not call.counters.spends(name, MOST_AN_HOUR, _next_hour(call.now)):
        expected = f"A person gets {MOST_AN_HOUR} codes and tests an hour."
        failure = Failure(error="Too many codes", message=expected)
        raise HttpError(429, failure, **{"Retry-After": "3600"})


def show_code(call: ApiCall) -> Answer:
    method_id, code_id = call.ids
    return Answer(200, answers.code(code_id, _delivery(call, method_id, code_id)))


def type_code(call: ApiCall, typed: TypedCode) -> Answer:
    method_id, code_id = call.ids
    delivery = _delivery(call, method_id, code_id)
    ends_at = delivery.at + codes.LIFE
    # Counted before it is compared: what happens at once counts as well.
    tried = call.counters.spends(f"tries:{delivery.id}", codes.TRIES, ends_at)
    if call.now >= ends_at or not tried:
        expected = "Its ten minutes are over, or it was typed wrong five times."
        raise HttpError(410, Failure(error="Code is over", message=expected))
    # The address as it is now: a code that went to another one shows nothing about this one.
    method = _method(call, method_id, waiting=True)
    keys = call.links.accepted(call.now)
    if not codes.is_code(typed.code, delivery.id, keys, method.to):
        raise HttpError(403, Failure(error="Wrong code", message="That is not the code."))
    destination = _destination(call.caller.user, method)
    Receivers(call.table).confirm(destination, method.to, call.now, call.deadline)
    return Answer(200, Removed(status="success"))


def list_keys(call: ApiCall) -> Answer:
    held = Keys(call.table).held(call.deadline, call.caller.user.id)
    shown = [
        models.MyKey(
            id=each.key.id,
            name=each.key.name,
            scopes=each.key.scopes,
            created_at=each.key.created_at,
            ends_at=each.key.ends_at,
            used_on=each.key.used_on.isoformat() if each.key.used_on else None,
            current=each.key.id == call.caller.id,
        )
        for each in held
        if isinstance(each.key, ApiKey) and each.key.live_at(call.now)
    ]
    return Answer(200, models.MyKeys(keys=shown))


def _destination(user: User, method: Receiver) -> str:
    return Owner.user(user.id).destination(method.id)


def _user(call: ApiCall) -> User | None:
    # As they are now: a code to an address that is theirs no more shows nothing.
    return call.table.user(call.caller.user.id, call.deadline)


def _method(call: ApiCall, method_id: str, *, waiting: bool = False) -> Receiver:
    """`waiting`: or an address that waits for its code."""
    user = _user(call)
    known: Sequence[Receiver] = methods(user) if user else ()
    if user and waiting:
        known = (*known, *profile.waiting(user, call.now))
    for each in known:
        if each.id == method_id:
            return each
    raise HttpError(404, "Contact method not found")


def _delivery(call: ApiCall, method_id: str, code_id: str, kind: str = "code_") -> Delivery:
    """Of the caller's own, as another's has another name."""
    name = delivery_id("p", code_id, call.caller.user.id, method_id)
    found = call.table.delivery(code_id, name, call.deadline)
    if found is None or not code_id.startswith(kind):
        raise HttpError(404, "Code not found" if kind == "code_" else "Test not found")
    return found


def _next_hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
