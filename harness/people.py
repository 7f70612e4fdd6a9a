"""The commands of people and timers, by the names that `harness.model` has for them."""

from collections.abc import Callable
from datetime import timedelta

from harness.world import Clock
from opsknight.incident.commands import (
    Acknowledge,
    AcknowledgementTimeout,
    AlsoPage,
    Amend,
    AutoResolve,
    Command,
    Escalate,
    Note,
    Reassign,
    Resolve,
    Snooze,
    Suppress,
    Unacknowledge,
    Unsnooze,
    Unsuppress,
)
from opsknight.incident.decisions import NotAllowed, Transitioned, Unchanged
from opsknight.incident.model import Actor, ActorKind

ADA = Actor(kind=ActorKind.USER, id="user_ada", name="Ada")

COMMANDS: dict[str, Callable[[Clock], Command]] = {
    "acknowledge": lambda _: Acknowledge(by="user_ada"),
    "resolve": lambda _: Resolve(),
    "snooze": lambda clock: Snooze(clock() + timedelta(hours=1)),
    "unsnooze": lambda _: Unsnooze(),
    "suppress": lambda _: Suppress(),
    "unsuppress": lambda _: Unsuppress(),
    "escalate": lambda _: Escalate(),
    "reassign": lambda _: Reassign("user_ben"),
    "also page": lambda _: AlsoPage("Ben", ("user_ben",)),
    "note": lambda _: Note("Looking at it."),
    "amend": lambda _: Amend((("message", "It is worse."),)),
    "unacknowledge": lambda _: Unacknowledge(),
    "acknowledgement timeout": lambda _: AcknowledgementTimeout(),
    "auto-resolve": lambda _: AutoResolve(),
}


def came_to(outcome: object) -> str:
    names: dict[type, str] = {Transitioned: "moved", Unchanged: "unchanged", NotAllowed: "refused"}
    return names[type(outcome)]
