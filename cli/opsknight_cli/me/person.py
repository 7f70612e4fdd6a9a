"""Whoever runs a command of `me`, and what its commands say and refuse alike."""

from collections.abc import Iterable
from functools import partial

from opsknight.config.configuration import slug_of
from opsknight.config.spelling import did_you_mean
from opsknight.directory.entries import User
from opsknight.directory.profile import Refusal
from opsknight.directory.receivers import Receiver
from opsknight.notification.recipients import methods
from opsknight.store.last_applies import LastApplies
from opsknight.store.own_methods import OwnMethods
from opsknight.views import audited
from opsknight.views import directory_answers as answers
from opsknight.views.roster_models import Removed
from opsknight.views.wire import to_json
from opsknight_cli.session import CommandError
from opsknight_cli.terminal.audited import entry
from opsknight_cli.terminal.invocation import Invocation
from opsknight_cli.terminal.my_turns import me_of
from opsknight_cli.terminal.naming import configuration, method_name
from opsknight_cli.terminal.times import shown


def whoever(invocation: Invocation) -> User:
    return me_of(invocation, configuration(invocation))


def own(invocation: Invocation, me: User) -> OwnMethods:
    session, table = invocation.session, invocation.deployment.table
    said = audited.OfOneself(partial(entry, invocation))
    return OwnMethods(table, me.id, session.now(), session.token(), session.deadline(), said)


def method_of(me: User, name: str, waiting: Iterable[Receiver] = ()) -> Receiver:
    """Finds a contact method, or one that waits for its code. Raises CommandError."""
    known = {method_name(each.id): each for each in (*methods(me), *waiting)}
    for short, each in known.items():
        if name in (short, each.id):
            return each
    hint = did_you_mean(name, known) or f" There are {', '.join(known)}."
    raise CommandError(f'{me.name} has no contact method "{name}".{hint}')


def accepted(decided: User | Refusal) -> User:
    """Raises CommandError for a refusal."""
    if isinstance(decided, User):
        return decided
    error, said = answers.refused(decided)
    raise CommandError(f"{error}. {said}")


def say_locked(invocation: Invocation, me: User, part: str) -> None:
    table, deadline = invocation.deployment.table, invocation.session.deadline()
    last = LastApplies(table).read(deadline)
    place = last.place("users", slug_of(me.id), part) if last else None
    invocation.screen.say()
    invocation.screen.say("The configuration file has them: they are changed there.")
    if last and place:
        when = shown(last.at, me.clock)
        invocation.screen.say(
            f"{place.file}:{place.line}, applied {when} by {last.by} (revision {last.revision})."
        )


def say_done(invocation: Invocation, sentence: str) -> None:
    if invocation.screen.as_json:
        invocation.screen.data(to_json(Removed(status="success")))
    else:
        invocation.screen.say(sentence)
