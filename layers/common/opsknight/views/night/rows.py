"""The timeline of a simulation as rows: what reaches one person or place at one time."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final, assert_never

from opsknight.classes import dataclass
from opsknight.config.configuration import slug_of
from opsknight.directory.receivers import OwnerKind
from opsknight.escalation.pages import StepTaken, Why
from opsknight.escalation.policy import Target, TargetKind
from opsknight.notification.delivery import Delivery
from opsknight.notification.recipients import methods
from opsknight.simulation import Changed, FallbackTold, Happening, Sent, Simulation, Stepped
from opsknight.views.lengths import in_words
from opsknight.views.night.play import Stage

# A gap in a schedule can make hundreds of steps in a row that reach nobody.
EMPTY_SHOWN: Final = 3
_TARGETS: Final = {
    TargetKind.USER: "user",
    TargetKind.TEAM: "team",
    TargetKind.TEAM_LEADS: "leads of team",
    TargetKind.SCHEDULE: "schedule",
}
# Changes that happen by themselves: the timeline's word, and the operator's.
_BY_ITSELF: Final = {
    "unsuppressed": "maintenance ends",
    "raised": "more urgent: support hours begin",
    "auto-resolved": "resolves: no alert came",
    "reopened": "reopens: acknowledged for too long",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the timeline."""

    at: datetime
    kind: str
    """page, nobody, receiver, status page, fallback or change."""
    who: str
    how: tuple[str, ...]
    why: str
    more: dict[str, Any]
    """Further fields of the JSON output."""


def rows(stage: Stage, simulation: Simulation) -> list[Row]:
    found: list[Row] = []
    steps = {
        each.taken.page_no: each for each in simulation.happenings if isinstance(each, Stepped)
    }
    for _, group in groupby(simulation.happenings, key=_together):
        found += _row(list(group), steps, stage, simulation)
    return found


def _together(happening: Happening) -> tuple[object, ...]:
    match happening:
        case Sent(at, delivery) if delivery.pages:
            return at, delivery.page_no, delivery.owner
        case _:
            return happening.at, id(happening)


def _row(
    group: Sequence[Happening], steps: dict[int, Stepped], stage: Stage, simulation: Simulation
) -> Iterator[Row]:
    first = group[0]
    match first:
        case Sent(at, delivery) if delivery.pages:
            messages = [each.delivery for each in group if isinstance(each, Sent)]
            yield _page(at, messages, steps[delivery.page_no or 0], stage, simulation)
        case Sent(at, delivery):
            yield _notice(at, delivery, stage)
        case Stepped(at, taken) if taken.reason is not Why.EXHAUSTED and not taken.user_ids:
            more = {"step": _number(taken), "round": taken.round + 1}
            yield Row(at, "nobody", "nobody", (), f"{_step(taken)} reaches nobody", more)
        case FallbackTold(at, again):
            # Support hours begin a policy again that was over.
            before = (each.taken for each in steps.values() if each.at <= at)
            last = max(before, key=lambda taken: taken.page_no, default=None)
            exhausted = last is not None and last.reason is Why.EXHAUSTED
            why = "all rounds are over" if exhausted else "a whole round reached nobody"
            if again is not None:
                why = f"nobody has acted; from here on every {in_words(again)}"
            yield Row(at, "fallback", "fallback", ("email",), why, {})
        case Changed(at, change) if change.what in _BY_ITSELF:
            why = _BY_ITSELF[change.what]
            if change.what == "unsuppressed" and at == stage.service.shadow_until:
                why = "its shadow ends"
            yield Row(at, "change", "incident", (), why, {"what": change.what})
        case Stepped() | Changed():
            return
        case _:
            assert_never(first)


def _page(
    at: datetime,
    messages: Sequence[Delivery],
    step: Stepped,
    stage: Stage,
    simulation: Simulation,
) -> Row:
    user_id = messages[0].user_id
    user = stage.roster.known_users[user_id]
    channels = Counter(method.channel for method in methods(user))
    how = tuple(
        # A user with two methods of one channel wants to know which.
        each.channel.value
        if channels[each.channel] == 1
        else f"{each.channel.value} ({slug_of(each.receiver_id)})"
        for each in messages
    )
    later = at - step.at
    why = _step(step.taken)
    why += f", {in_words(later)} later" if later else _because(step.because.get(user_id))
    return Row(
        at,
        "page",
        user.name,
        how,
        why,
        {
            "user": slug_of(user_id),
            "step": _number(step.taken),
            "round": step.taken.round + 1,
            "methods": [slug_of(each.receiver_id) or each.receiver_id for each in messages],
            "channels": [each.channel.value for each in messages],
        },
    )


def _notice(at: datetime, delivery: Delivery, stage: Stage) -> Row:
    about = delivery.about.value
    more = {"id": delivery.receiver_id, "about": about}
    if delivery.owner.kind is OwnerKind.SERVICE:
        names = {each.id: each.name for each in stage.roster.receivers}
        name = names[delivery.receiver_id]
        return Row(at, "receiver", name, (delivery.channel.value,), f"receiver, {about}", more)
    pages = {each.id: each.name for each in stage.roster.status_pages}
    why = f"status page, {about.removeprefix('incident.')}"
    return Row(at, "status page", pages[delivery.owner.id], (delivery.channel.value,), why, more)


def _step(taken: StepTaken) -> str:
    if taken.step is None:
        return "the assignee"
    again = f", round {taken.round + 1}" if taken.round else ""
    return f"step {taken.step + 1}{again}"


def _number(taken: StepTaken) -> int | None:
    return None if taken.step is None else taken.step + 1


def _because(target: Target | None) -> str:
    if target is None:
        return ""
    if target.kind is TargetKind.USER:
        return ""
    return f": {_TARGETS[target.kind]} {slug_of(target.id)}"


def shortened(found: Sequence[Row]) -> Iterator[Row]:
    """Replaces all but the first of many steps in a row that reach nobody by one line."""
    for kind, run in groupby(found, key=lambda row: row.kind):
        members = list(run)
        if kind != "nobody" or len(members) <= EMPTY_SHOWN + 1:
            yield from members
            continue
        yield from members[:EMPTY_SHOWN]
        left = len(members) - EMPTY_SHOWN
        why = f"the next {left} steps reach nobody either, until {members[-1].at:%d %b %H:%M}"
        following = members[EMPTY_SHOWN]
        yield Row(following.at, "nobody", "nobody", (), why, {})
