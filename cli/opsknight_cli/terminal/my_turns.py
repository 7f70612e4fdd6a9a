"""When the reader is on call."""

from collections.abc import Sequence
from datetime import timedelta

from opsknight.config.configuration import Configuration, slug_of
from opsknight.directory.entries import User
from opsknight.escalation.policy import Rota
from opsknight.oncall.turns import turns
from opsknight_cli.session import CommandError
from opsknight_cli.terminal.invocation import Invocation
from opsknight_cli.terminal.naming import operator
from opsknight_cli.terminal.naming import user as user_called
from opsknight_cli.terminal.times import moment, shown, stamp


def show_mine(
    invocation: Invocation,
    found: Configuration,
    rotas: Sequence[Rota],
    at: str | None,
    ahead: timedelta,
) -> None:
    """By the clock of whoever asks."""
    session, screen, me = invocation.session, invocation.screen, me_of(invocation, found)
    zone, now = me.clock, session.now()
    start = now if at is None else moment(at, now, zone)
    absent = {user.id for user in found.users.values() if user.disabled}
    shown_turns = sorted(
        (turn, slug_of(rota.schedule.id))
        for rota in rotas
        for turn in turns(
            rota.schedule, rota.overrides, start, start + ahead, disabled=frozenset(absent)
        )
        if turn.user_id == me.id
    )
    if screen.as_json:
        data = [
            {"schedule": name, "start": stamp(turn.start), "end": stamp(turn.end)}
            for turn, name in shown_turns
        ]
        screen.data({"user": slug_of(me.id), "turns": data})
    elif not shown_turns:
        screen.say(f"{me.name} is not on call in the next four weeks.")
    else:
        rows = [
            (name, shown(turn.start, zone), shown(turn.end, zone)) for turn, name in shown_turns
        ]
        screen.table(("SCHEDULE", "FROM", "UNTIL"), rows, split=1)


def me_of(invocation: Invocation, found: Configuration) -> User:
    """The user of `--as`; else the one whose name or address the credentials carry."""
    if invocation.acting_as is not None:
        return user_called(invocation, invocation.acting_as)
    name = operator(invocation).name.removesuffix(" (AWS)").lower()
    for user in found.users.values():
        if not user.disabled and name in (slug_of(user.id), user.email.lower()):
            return user
    raise CommandError(f'No user is called "{name}": give --as, or set OPSKNIGHT_USER.')
