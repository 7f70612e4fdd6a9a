"""Handlers by which people change their own contact methods and notification rules, and end their
own keys. What the configuration file has of them is refused; what is theirs, `apply` leaves alone.

Codes are sent and read elsewhere (`respond.my_methods`): this function signs nothing and sends
nothing. It takes an address into use that the table says was confirmed.
"""

from datetime import timedelta
from typing import Final, assert_never

from opsknight.directory.entries import User
from opsknight.directory.profile import WAITS, Refusal
from opsknight.directory.receivers import NotificationRule, Unconfirmed
from opsknight.http.gateway import Answer, Failure, HttpError
from opsknight.http.recent_login import require_recent_login
from opsknight.store.calls import Conflict
from opsknight.store.keys import Keys
from opsknight.store.own_methods import OwnMethods
from opsknight.views import audited
from opsknight.views import directory_answers as answers
from opsknight.views import directory_models as models
from opsknight.views.models import NotPossible
from opsknight.views.roster_models import Removed
from respond.body import NoBody
from respond.contract import MethodName, NewMethod, RulesBody
from respond.request import ApiCall

_DONE: Final = Answer(200, Removed(status="success"))


def add_method(call: ApiCall, wanted: NewMethod) -> Answer:
    mine = _mine(call)
    waiting = Unconfirmed(
        id=call.new_id("addr"),
        name=wanted.name or wanted.channel.value,
        channel=wanted.channel,
        to=wanted.place,
        replaces=wanted.replaces,
        until=call.now + WAITS,
    )
    _check(mine.add(waiting))
    return Answer(201, models.NewMethodAnswer(waiting=answers.waiting(waiting, None)))


def use_method(call: ApiCall, _: NoBody) -> Answer:
    [waiting_id] = call.ids
    _check(_mine(call).use(waiting_id))
    return _DONE


def rename_method(call: ApiCall, wanted: MethodName) -> Answer:
    [method_id] = call.ids
    _check(_mine(call).rename(method_id, wanted.name))
    return _DONE


def remove_method(call: ApiCall) -> Answer:
    [method_id] = call.ids
    _check(_mine(call).remove(method_id))
    return _DONE


def set_rules(call: ApiCall, wanted: RulesBody) -> Answer:
    rules = [
        NotificationRule(
            urgency=each.urgency,
            method_id=each.method_id,
            delay=timedelta(seconds=each.after_seconds),
        )
        for each in wanted.rules
    ]
    user = _check(_mine(call).rule(rules))
    return Answer(200, models.MyRules(rules=[answers.rule(each) for each in user.rules]))


def revoke_key(call: ApiCall) -> Answer:
    """Without a recent login: it takes power away."""
    [key_id] = call.ids
    keys = Keys(call.table)
    for each in keys.held(call.deadline, call.caller.user.id):
        if each.key.id == key_id:
            try:
                entry = call.audit(audited.key_revoked(each.key))
                keys.end(each, call.now, call.deadline, audit=entry)
            except Conflict:
                raise HttpError(409, NotPossible(error="Key has ended")) from None
            return _DONE
    raise HttpError(404, "Key not found")


def _mine(call: ApiCall) -> OwnMethods:
    """Raises HttpError for whoever logged in too long ago."""
    require_recent_login(call.caller.session, call.now)
    return OwnMethods(
        call.table,
        call.caller.user.id,
        call.now,
        call.new_id("me"),
        call.deadline,
        audited.OfOneself(call.audit),
    )


def _check(decided: User | Refusal) -> User:
    """Raises HttpError for a refusal."""
    if isinstance(decided, User):
        return decided
    match decided:
        case Refusal.UNKNOWN:
            raise HttpError(404, "Contact method not found")
        case (
            Refusal.FILE
            | Refusal.KNOWN
            | Refusal.TOO_MANY
            | Refusal.LAST
            | Refusal.UNCONFIRMED
            | Refusal.UNTOLD
        ):
            error, said = answers.refused(decided)
            raise HttpError(409, Failure(error=error, message=said))
        case _:
            assert_never(decided)
