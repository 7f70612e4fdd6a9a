"""Handlers by which people change their own contact methods and notification rules, and end their
own keys. What the configuration file has of them is refused; what is theirs, `apply` leaves alone.

Codes are sent and read elsewhere (`respond.my_methods`): this function signs nothing and sends
nothing. It takes an address into use that the table says was confirmed.
"""

from collections.abc import Set
from datetime import timedelta
from typing import TYPE_CHECKING, Final, assert_never

from opsknight.directory import profile
from opsknight.directory.entries import User
from opsknight.directory.profile import MOST_METHODS, MOST_RULES, WAITS, Refusal
from opsknight.directory.receivers import Channel, NotificationRule, Owner, Unconfirmed
from opsknight.http.gateway import Answer, Failure, HttpError
from opsknight.http.recent_login import require_recent_login
from opsknight.notification.delivery import State, delivery_id
from opsknight.notification.requested import change_id
from opsknight.store.calls import Conflict
from opsknight.store.keys import Keys
from opsknight.store.profiles import Profiles, Reached
from opsknight.store.receivers import Receivers
from opsknight.views import directory_answers as answers
from opsknight.views import directory_models as models
from opsknight.views.models import NotPossible
from opsknight.views.roster_models import Removed
from respond.contract import MethodName, NewMethod, NoBody, RulesBody
from respond.request import ApiCall

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write

# The address before is told first. A provider that does not take the message in this time holds
# nobody up.
TOLD_WITHIN: Final = timedelta(minutes=2)
_DONE: Final = Answer(200, Removed(status="success"))


def add_method(call: ApiCall, wanted: NewMethod) -> Answer:
    require_recent_login(call.caller.session, call.now)
    waiting = Unconfirmed(
        id=call.new_id("addr"),
        name=wanted.name or wanted.channel.value,
        channel=wanted.channel,
        to=wanted.place,
        replaces=wanted.replaces,
        until=call.now + WAITS,
    )
    destination = Owner.user(call.caller.user.id).destination(waiting.id)
    decided = Profiles(call.table).change(
        call.caller.user.id,
        lambda user, _: profile.asked(user, waiting, call.now),
        call.new_id("me"),
        call.deadline,
        lambda _: [Receivers(call.table).asked_for(destination, waiting.until)],
    )
    _check(decided)
    shown = models.WaitingMethod(
        id=waiting.id,
        name=waiting.name,
        channel=waiting.channel,
        address=waiting.to,
        replaces=waiting.replaces,
        until=waiting.until,
    )
    return Answer(201, models.NewMethodAnswer(waiting=shown))


def use_method(call: ApiCall, _: NoBody) -> Answer:
    require_recent_login(call.caller.session, call.now)
    [waiting_id] = call.ids
    receivers, owner = Receivers(call.table), Owner.user(call.caller.user.id)
    places = set[tuple[Channel, str]]()

    def decide(user: User, _: Reached) -> User | Refusal:
        found = next((one for one in profile.waiting(user, call.now) if one.id == waiting_id), None)
        if found is not None:
            state = receivers.state(owner.destination(found.id), call.deadline)
            # Of this address: whoever typed its code has confirmed no other one.
            if state.confirmed_at is None or state.confirmed_to != found.to:
                asked = "Send a code to it, and type that first."
                raise HttpError(409, Failure(error="Not confirmed", message=asked))
            _check_told(call, user, found)
            places.add((found.channel, found.to))
        return profile.confirmed(user, waiting_id, call.now)

    def beside(user: User) -> "list[Write]":
        [taken] = [each for each in user.contact_methods if (each.channel, each.to) in places]
        return [receivers.replaced(owner.destination(taken.id), taken.to, call.now)]

    decided = Profiles(call.table).change(
        call.caller.user.id,
        decide,
        call.new_id("me"),
        call.deadline,
        beside,
    )
    _check(decided)
    return _DONE


def rename_method(call: ApiCall, wanted: MethodName) -> Answer:
    require_recent_login(call.caller.session, call.now)
    [method_id] = call.ids
    decided = Profiles(call.table).change(
        call.caller.user.id,
        lambda user, _: profile.renamed(user, method_id, wanted.name),
        call.new_id("me"),
        call.deadline,
    )
    _check(decided)
    return _DONE


def remove_method(call: ApiCall) -> Answer:
    require_recent_login(call.caller.session, call.now)
    [method_id] = call.ids
    decided = Profiles(call.table).change(
        call.caller.user.id,
        lambda user, reached: profile.removed(
            user, method_id, is_paged=reached(), shown=_shown(call, user), now=call.now
        ),
        call.new_id("me"),
        call.deadline,
    )
    _check(decided)
    return _DONE


def set_rules(call: ApiCall, wanted: RulesBody) -> Answer:
    require_recent_login(call.caller.session, call.now)
    rules = [
        NotificationRule(
            urgency=each.urgency,
            method_id=each.method_id,
            delay=timedelta(seconds=each.after_seconds),
        )
        for each in wanted.rules
    ]
    decided = Profiles(call.table).change(
        call.caller.user.id,
        lambda user, reached: profile.ruled(
            user, rules, is_paged=reached(), shown=_shown(call, user)
        ),
        call.new_id("me"),
        call.deadline,
    )
    user = _check(decided)
    return Answer(200, models.MyRules(rules=[answers.rule(each) for each in user.rules]))


def revoke_key(call: ApiCall) -> Answer:
    """Without a recent login: it takes power away."""
    [key_id] = call.ids
    keys = Keys(call.table)
    for each in keys.held(call.deadline, call.caller.user.id):
        if each.key.id == key_id:
            try:
                keys.end(each, call.now, call.deadline)
            except Conflict:
                raise HttpError(409, NotPossible(error="Key has ended")) from None
            return _DONE
    raise HttpError(404, "Key not found")


def _shown(call: ApiCall, user: User) -> Set[str]:
    """The contact methods that are known to reach the user, by id."""
    owner = Owner.user(user.id)
    names = {owner.destination(each.id): each for each in user.contact_methods}
    states = Receivers(call.table).states(names, call.deadline)
    return {
        names[name].id
        for name, state in states.items()
        if state.confirmed_at is not None and state.confirmed_to == names[name].to
    }


def _check_told(call: ApiCall, user: User, found: Unconfirmed) -> None:
    """Raises HttpError as long as the message to the address before has not been tried."""
    if not any(each.id == found.replaces for each in user.contact_methods):
        return
    told_id = change_id(found)
    name = delivery_id("p", told_id, user.id, found.replaces)
    told = call.table.delivery(told_id, name, call.deadline)
    untried = told is None or (told.state is State.PENDING and not told.tries)
    since = call.now if told is None else told.at
    if untried and call.now < since + TOLD_WITHIN:
        expected = "The address before is being told of it. Try again in a few seconds."
        raise HttpError(409, Failure(error="Not yet", message=expected))


def _check(decided: User | Refusal) -> User:
    """Raises HttpError for a refusal."""
    if isinstance(decided, User):
        return decided
    match decided:
        case Refusal.FILE:
            said = "The configuration file has them: change them there."
            raise HttpError(409, Failure(error="Managed by the file", message=said))
        case Refusal.UNKNOWN:
            raise HttpError(404, "Contact method not found")
        case Refusal.KNOWN:
            said = "It is one of your contact methods already."
            raise HttpError(409, Failure(error="Known already", message=said))
        case Refusal.TOO_MANY:
            most = f"{MOST_METHODS} contact methods, and {MOST_RULES} rules for an urgency"
            said = f"A person has at most {most}."
            raise HttpError(409, Failure(error="Too many", message=said))
        case Refusal.LAST:
            said = (
                "You are paged, and no contact method would be left that is known to reach you. "
                "Confirm another one first."
            )
            raise HttpError(409, Failure(error="Last contact method", message=said))
        case _:
            assert_never(decided)
