"""The outcome of a simulation on the screen, with the timeline as a table; and as JSON."""

from collections.abc import Iterator, Sequence
from typing import Any, assert_never
from zoneinfo import ZoneInfo

from opsknight.config.configuration import slug_of
from opsknight.directory.windows import MaintenanceWindow
from opsknight.escalation.policy import implicit
from opsknight.incident.decisions import Ignored, Merged, Opened, Repeated, Transitioned, Unchanged
from opsknight.incident.model import URGENCY, Escalation, Status, Urgency
from opsknight.simulation import Simulation
from opsknight.views.lengths import in_words
from opsknight.views.night.play import Played
from opsknight.views.night.rows import Row, rows, shortened
from opsknight_cli.terminal.screen import Screen
from opsknight_cli.terminal.times import shown, stamp


def show(played: Played, screen: Screen, zone: ZoneInfo) -> None:
    """Times are by the clock of `zone`."""
    for sentence in _sentences(played, zone):
        screen.say(sentence)
    for name in played.stage.unreadable:
        screen.say(f"{name} cannot be read, and is ignored.", "bold yellow")
    if played.simulation is None:
        return
    found = rows(played.stage, played.simulation)
    if found:
        screen.say()
        cells = [
            (
                in_words(row.at - played.at),
                f"{row.at.astimezone(zone):%d %b %H:%M}",
                row.who,
                ", ".join(row.how),
                row.why,
            )
            for row in shortened(found)
        ]
        screen.columns(
            ("AFTER", f"AT ({played.at.astimezone(zone).tzname()})", "WHO", "HOW", "WHY"), cells
        )
        screen.say()
    screen.say(_end(played.simulation, found), _colour(found))


def data(played: Played) -> dict[str, Any]:
    simulation = played.simulation
    incident = simulation.incident if simulation else played.stage.incident
    existing = played.stage.incident
    return {
        "result": _result(played),
        "service": slug_of(played.stage.service.id),
        "at": stamp(played.at),
        "urgency": _urgency(played).value,
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
                **row.more,
            }
            for row in rows(played.stage, simulation)
        ],
        "status": incident.status.value if incident else None,
        "escalation": incident.escalation.value if incident else None,
        "isOver": True if simulation is None else simulation.is_over,
        "unreadable": played.stage.unreadable,
    }


def _result(played: Played) -> str:
    match played.decision:
        case None:
            return "refused"
        case Opened(incident):
            return "triggered" if incident.status is Status.OPEN else "suppressed"
        case Merged() | Repeated():
            return "deduplicated"
        case Transitioned(change=change):
            return change.what
        case Unchanged():
            return "acknowledged"
        case Ignored():
            return "ignored"
        case _:
            assert_never(played.decision)


def _sentences(played: Played, zone: ZoneInfo) -> Iterator[str]:
    event, stage = played.event, played.stage
    urgency = _urgency(played)
    where = f"{stage.service.name} in {stage.place}"
    so = f"{event.severity}, so {urgency}"
    if urgency is not URGENCY[event.severity]:
        so += f" outside the support hours, {URGENCY[event.severity]} within"
    yield (
        f'"{event.summary}" ({so}) for {where}, '
        f"at {shown(played.at, zone)}. This is a simulation: nothing is written or sent."
    )
    simulation = played.simulation
    match played.decision:
        case None:
            yield "The service is disabled: it would refuse the event, and nobody would be paged."
        case Opened(incident):
            window, shadow = _window(played), stage.service.shadow_until
            if incident.shadow and window is None and shadow is not None:
                yield (
                    "It would open a suppressed incident, because the service is in shadow until "
                    f"{shown(shadow, zone)}: another system pages. Nobody would be paged "
                    f"before then. After that it would {_policy(simulation)}."
                )
                return
            if incident.status is Status.OPEN or window is None:
                yield f"It would open an incident, and {_policy(simulation)}."
                return
            yield (
                "It would open a suppressed incident, because the service is in maintenance until "
                f"{shown(window.end, zone)} ({window.reason}). Nobody would be paged before "
                f"{'somebody unsuppresses it' if window.keep_suppressed else 'then'}."
            )
            if not window.keep_suppressed:
                yield f"After that it would {_policy(simulation)}."
        case Merged(seen, _, raised):
            yield f"It would add an alert to {seen.id}, which is {seen.status}."
            raises = raised is not None and raised.after.urgency is not seen.urgency
            if raises:
                yield f"It would raise the urgency from {seen.urgency} to {urgency}."
            elif raised is not None:
                yield "It would be more urgent when the support hours begin."
            if raises and seen.status is Status.OPEN:
                yield "The current step would page again, and the escalation would go on:"
            else:
                yield "It would page nobody."
        case Transitioned(before=seen, change=change):
            yield f"{seen.id} would be {change.what}, and page nobody any more."
        case Repeated(seen):
            yield f"{seen.id} knows it already: nothing would happen."
        case Unchanged(seen):
            yield f"{seen.id} is already acknowledged: nothing would happen."
        case Ignored():
            yield (
                "No active incident of the service has this dedup key: the event would be ignored."
            )
        case _:
            assert_never(played.decision)


def _urgency(played: Played) -> Urgency:
    full = URGENCY[played.event.severity]
    outside = played.stage.service.out_of_hours(played.at)
    return full if outside is None else outside.lowered(full)


def _window(played: Played) -> MaintenanceWindow | None:
    suppressing = played.stage.service.window_at(played.at)
    windows = played.stage.service.windows
    return next((each for each in windows if suppressing and each.id == suppressing.id), None)


def _policy(simulation: Simulation | None) -> str:
    policy = implicit(None) if simulation is None else simulation.policy
    if not policy.version:
        team = slug_of(policy.id)
        if team:
            return f"page all of team {team} at once, because the service has no policy"
        return "page nobody, because the service has neither a policy nor a team"
    steps = f"{len(policy.steps)} step{'s' if len(policy.steps) > 1 else ''}"
    rounds = f"{policy.repeat + 1} rounds" if policy.repeat else "one round"
    return f"escalate by policy {slug_of(policy.id)}: {steps}, {rounds}"


def _end(simulation: Simulation, found: Sequence[Row]) -> str:
    if not simulation.is_over:
        return "The escalation goes on; the rest is not shown."
    incident = simulation.incident
    pages = [row for row in found if row.kind == "page"]
    if not pages:
        nobody = "Nobody is paged"
        if incident.status is Status.RESOLVED:
            return f"{nobody}."
        fallback = any(row.kind == "fallback" for row in found)
        return (
            f"{nobody}. {'Only the fallback address gets a message.' if fallback else ''}".strip()
        )
    counted = len({row.who for row in pages})
    people = f"{counted} {'person' if counted == 1 else 'people'}"
    messages = sum(len(row.how) for row in pages)
    total = f"{people}, {messages} message{'' if messages == 1 else 's'}, unless somebody acts."
    if incident.status is Status.RESOLVED:
        return f"{total} Then the incident resolves by itself."
    if incident.escalation is Escalation.EXHAUSTED:
        return f"{total} Then the policy is exhausted, and the incident stays open."
    return total


def _colour(found: Sequence[Row]) -> str:
    return "" if any(row.kind == "page" for row in found) else "bold yellow"
