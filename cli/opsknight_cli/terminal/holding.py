"""How a hold is shown: loudly, wherever somebody looks at what is open."""

from datetime import datetime
from typing import Any

from pydantic import ValidationError

from opsknight.escalation.hold import Hold, Spell
from opsknight.store.holds import Holds
from opsknight_cli.terminal.invocation import Invocation
from opsknight_cli.terminal.times import UTC_ZONE, shown, stamp


def current(invocation: Invocation) -> Spell | None:
    """The hold that is on. One that cannot be read is none, as for the functions."""
    session = invocation.session
    try:
        hold = Holds(invocation.deployment.table).read(session.deadline())
    except ValidationError:
        hold = Hold()
    return hold.spell(session.now())


def warn(invocation: Invocation) -> None:
    """Says that a hold is on, if one is."""
    spell = current(invocation)
    if spell is not None:
        invocation.screen.say(sentence(spell), "bold red")
        invocation.screen.say()


def sentence(spell: Spell) -> str:
    why = f': "{spell.reason}"' if spell.reason else ""
    return (
        f"ON HOLD until {shown(spell.end, UTC_ZONE)}, by {spell.by or 'somebody'}{why}. Nobody is "
        "paged or notified. End it with `opsknight hold off`."
    )


def data(spell: Spell | None) -> dict[str, Any] | None:
    if spell is None:
        return None
    return {
        "since": stamp(spell.start),
        "until": stamp(spell.end),
        "by": spell.by,
        "reason": spell.reason,
    }


def since(spell: Spell, now: datetime) -> str:
    minutes = int((now - spell.start).total_seconds() // 60)
    return "1 minute" if minutes == 1 else f"{minutes} minutes"
