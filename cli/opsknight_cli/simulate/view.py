"""What would become of an event, for people as a table of times, and for programs."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, assert_never
from zoneinfo import ZoneInfo

from opsknight.config.configuration import slug_of
from opsknight.directory.entries import MaintenanceWindow
from opsknight.directory.receivers import OwnerKind
from opsknight.escalation.pages import StepTaken, Why
from opsknight.escalation.policy import Target, TargetKind, implicit
from opsknight.incident.decisions import Ignored, Merged, Opened, Transitioned, Unchanged
from opsknight.incident.model import URGENCY, Escalation, Status
from opsknight.notification.delivery import Delivery
from opsknight.notification.recipients import methods
from opsknight.simulation import Changed, FallbackTold, Happening, Sent, Simulation, Stepped
from opsknight_cli.files.words import in_words
from opsknight_cli.terminal.screen import Screen
from opsknight_cli.terminal.times import shown, stamp

if TYPE_CHECKING:
    from opsknight_cli.simulate.command import Played, Stage

UTC_ZONE: Final = ZoneInfo("UTC")
# Of a gap in a schedule there are hundreds in a row.
EMPTY_SHOWN: Final = 3
_TARGETS: Final = {
    TargetKind.USER: "user",
    TargetKind.TEAM: "team",
    TargetKind.TEAM_LEADS: "leads of team",
    TargetKind.SCHEDULE: "schedule",
}
# What the timeline calls it, and what an operator reads here.
_BY_ITSELF: Final = {
    "unsuppressed": "maintenance is over",
    "auto-resolved": "resolved: no alert came",
    "reopened": "reopened: acknowledged for too long",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the timeline: all that reaches one person or place at one time."""

    at: datetime
    kind: str
    """page, nobody, receiver, status page, fallback or change."""
    who: str
    how: tuple[str, ...]
    why: str
    told: dict[str, Any]
    """What programs are told besides."""


def show(played: "Played", screen: Screen) -> None:
    for sentence in _sentences(played):
        screen.say(sentence)
    for name in played.stage.unreadable:
        said = f"{name} cannot be read, and counts as if it were not there."
        screen.say(said, "bold yellow")
    if played.simulation is None:
        return
    found = rows(played, played.simulation)
    if found:
        screen.say()
        cells = [
            (
                in_words(row.at - played.at),
                f"{row.at.astimezone(UTC_ZONE):%d %b %H:%M}",
                row.who,
                ", ".join(row.how),
                row.why,
            )
            for row in _shortened(found)
        ]
        screen.columns(("AFTER", "AT (UTC)", "WHO", "HOW", "WHY"), cells)
        screen.say()
    screen.say(_end(played, played.simulation, found), _colour(found))


def told(played: "Played") -> dict[str, Any]:
    simulation = played.simulation
    incident = simulation.incident if simulation else played.stage.incident
    existing = played.stage.incident
    return {
        "result": _result(played),
        "service": slug_of(played.stage.service.id),
        "at": stamp(played.at),
        "urgency": URGENCY[played.event.severity].value,
        "incident": None if existing is None else existing.id,
        "policy": None
        if simulation is None
        else {
            "name": slug_of(simulation.policy.id),
            "version": simulation.policy.version,
            "isTeam": not simulation.policy.version,
        },
        "timeline": []
        if simulation is None
        else [
            {
                "at": stamp(row.at),
                "afterSeconds": int((row.at - played.at).total_seconds()),
                "kind": row.kind,
                "who": row.who,
                "how": list(row.how),
                "why": row.why,
                **row.told,
            }
            for row in rows(played, simulation)
        ],
        "status": incident.status.value if incident else None,
        "escalation": incident.escalation.value if incident else None,
        "isOver": True if simulation is None else simulation.is_over,
        "unreadable": played.stage.unreadable,
    }


def rows(played: "Played", simulation: Simulation) -> list[Row]:
    found: list[Row] = []
    steps = {
        each.taken.page_no: each for each in simulation.happenings if isinstance(each, Stepped)
    }
    for _, group in groupby(simulation.happenings, key=_together):
        found += _row(list(group), steps, played.stage, simulation)
    return found


def _together(happening: Happening) -> tuple[object, ...]:
    match happening:
        case Sent(at, delivery) if delivery.pages:
            return at, delivery.page_no, delivery.owner
        case _:
            return happening.at, id(happening)


def _row(
    group: Sequence[Happening], steps: dict[int, Stepped], stage: "Stage", simulation: Simulation
) -> Iterator[Row]:
    first = group[0]
    match first:
        case Sent(at, delivery) if delivery.pages:
            messages = [each.delivery for each in group if isinstance(each, Sent)]
            yield _page(at, messages, steps[delivery.page_no or 0], stage, simulation)
        case Sent(at, delivery):
            yield _notice(at, delivery, stage)
        case Stepped(at, taken) if taken.reason is not Why.EXHAUSTED and not taken.user_ids:
            told = {"step": _number(taken), "round": taken.round + 1}
            yield Row(at, "nobody", "nobody", (), f"{_step(taken)} reaches nobody", told)
        case FallbackTold(at):
            over = any(each.taken.reason is Why.EXHAUSTED for each in steps.values())
            exhausted = over and at >= max(each.at for each in steps.values())
            why = "all rounds are over" if exhausted else "a whole round reached nobody"
            yield Row(at, "fallback", "fallback", ("email",), why, {})
        case Changed(at, change) if change.what in _BY_ITSELF:
            yield Row(at, "change", "incident", (), _BY_ITSELF[change.what], {"what": change.what})
        case Stepped() | Changed():
            return
        case _:
            assert_never(first)


def _page(
    at: datetime,
    messages: Sequence[Delivery],
    step: Stepped,
    stage: "Stage",
    simulation: Simulation,
) -> Row:
    user_id = messages[0].user_id
    user = stage.roster.known_users[user_id]
    channels = Counter(method.channel for method in methods(user))
    how = tuple(
        # Of two of a kind it matters which.
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


def _notice(at: datetime, delivery: Delivery, stage: "Stage") -> Row:
    about = delivery.about.value
    told = {"id": delivery.receiver_id, "about": about}
    if delivery.owner.kind is OwnerKind.SERVICE:
        names = {each.id: each.name for each in stage.roster.receivers}
        name = names[delivery.receiver_id]
        return Row(at, "receiver", name, (delivery.channel.value,), f"receiver, {about}", told)
    pages = {each.id: each.name for each in stage.roster.status_pages}
    why = f"status page, {about.removeprefix('incident.')}"
    return Row(at, "status page", pages[delivery.owner.id], (delivery.channel.value,), why, told)


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


def _shortened(found: Sequence[Row]) -> Iterator[Row]:
    """Of many steps in a row that reach nobody the first few, and how it goes on."""
    for kind, run in groupby(found, key=lambda row: row.kind):
        members = list(run)
        if kind != "nobody" or len(members) <= EMPTY_SHOWN + 1:
            yield from members
            continue
        yield from members[:EMPTY_SHOWN]
        left = len(members) - EMPTY_SHOWN
        why = f"nor do the next {left} steps, until {members[-1].at:%d %b %H:%M}"
        following = members[EMPTY_SHOWN]
        yield Row(following.at, "nobody", "nobody", (), why, {})


def _result(played: "Played") -> str:
    match played.decision:
        case None:
            return "refused"
        case Opened(incident):
            return "triggered" if incident.status is Status.OPEN else "suppressed"
        case Merged():
            return "deduplicated"
        case Transitioned(_, _, change):
            return change.what
        case Unchanged():
            return "acknowledged"
        case Ignored():
            return "ignored"
        case _:
            assert_never(played.decision)


def _sentences(played: "Played") -> Iterator[str]:
    event, stage = played.event, played.stage
    urgency = URGENCY[event.severity]
    where = f"{stage.service.name} in {stage.place}"
    yield (
        f'"{event.summary}" ({event.severity}, so {urgency}) for {where}, '
        f"at {shown(played.at, UTC_ZONE)}. Nothing was written, and nobody was told."
    )
    simulation = played.simulation
    match played.decision:
        case None:
            yield "The service is disabled: the event would be refused, and nobody is told."
        case Opened(incident):
            window = _window(played)
            if incident.status is Status.OPEN or window is None:
                yield f"It would open an incident, and escalate by {_policy(simulation)}."
                return
            yield (
                "It would open a suppressed incident, as the service is in maintenance until "
                f"{shown(window.end, UTC_ZONE)} ({window.reason}). Nobody is told before "
                f"{'somebody unsuppresses it' if window.keep_suppressed else 'that'}."
            )
            if not window.keep_suppressed:
                yield f"From then on it would escalate by {_policy(simulation)}."
        case Merged(seen, _, raised):
            yield f"It would be one more alert of {seen.id}, which is {seen.status}."
            if raised is not None:
                yield f"It raises its urgency from {seen.urgency} to {urgency}."
            if raised is not None and seen.status is Status.OPEN:
                yield "The current step is paged again, and its escalation goes on:"
            else:
                yield "Nobody is paged by it."
        case Transitioned(seen, _, change):
            yield f"{seen.id} would be {change.what}: nobody is paged any more."
        case Unchanged(seen):
            yield f"{seen.id} is acknowledged already: nothing would happen."
        case Ignored():
            yield (
                "No active incident of the service has this dedup key: the event would be "
                "ignored, and nobody told."
            )
        case _:
            assert_never(played.decision)


def _window(played: "Played") -> MaintenanceWindow | None:
    suppressing = played.stage.service.window_at(played.at)
    windows = played.stage.service.windows
    return next((each for each in windows if suppressing and each.id == suppressing.id), None)


def _policy(simulation: Simulation | None) -> str:
    policy = implicit(None) if simulation is None else simulation.policy
    if not policy.version:
        team = slug_of(policy.id)
        return f"no policy of its own: all of team {team} at once" if team else "no policy at all"
    steps = f"{len(policy.steps)} step{'s' if len(policy.steps) > 1 else ''}"
    rounds = f"{policy.repeat + 1} rounds" if policy.repeat else "one round"
    return f"policy {slug_of(policy.id)}: {steps}, {rounds}"


def _end(played: "Played", simulation: Simulation, found: Sequence[Row]) -> str:
    if not simulation.is_over:
        return "It goes on and on: what would follow is left out."
    incident = simulation.incident
    pages = [row for row in found if row.kind == "page"]
    if not pages:
        nobody = "Nobody at all is paged"
        if incident.status is Status.RESOLVED:
            return f"{nobody}."
        told = any(row.kind == "fallback" for row in found)
        return f"{nobody}{': only the fallback address is told' if told else ''}."
    counted = len({row.who for row in pages})
    people = f"{counted} {'person' if counted == 1 else 'people'}"
    messages = sum(len(row.how) for row in pages)
    said = f"{people}, {messages} message{'' if messages == 1 else 's'}"
    if incident.status is Status.RESOLVED:
        return f"{said}, unless somebody acts. It resolves by itself."
    if incident.escalation is Escalation.EXHAUSTED:
        return f"{said}, unless somebody acts. Then the policy is exhausted, and it stays open."
    return f"{said}, unless somebody acts."


def _colour(found: Sequence[Row]) -> str:
    return "" if any(row.kind == "page" for row in found) else "bold yellow"
