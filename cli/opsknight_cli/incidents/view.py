"""Incidents on a screen: as rows of a list, and one of them with everything known about it."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from rich.text import Text

from opsknight.config.configuration import slug_of
from opsknight.escalation.pages import Page, PageState
from opsknight.escalation.policy import Policy
from opsknight.incident.event_request import describe
from opsknight.incident.model import Alert, Incident, RequestedStep, Status, Timer, Urgency
from opsknight.incident.quiet import SHADOW
from opsknight.notification.delivery import Delivery, State
from opsknight.store.listings import Listed
from opsknight.views import answers, sentences
from opsknight.views.incident_records import MOST_ROWS, IncidentRecords
from opsknight.views.story import story
from opsknight_cli.terminal.naming import SHORT, method_name
from opsknight_cli.terminal.screen import Cell, Line, Screen, fitted, printable
from opsknight_cli.terminal.times import shown

URGENCIES: Final = {Urgency.HIGH: "bold red", Urgency.MEDIUM: "yellow", Urgency.LOW: "blue"}
STATUSES: Final = {Status.OPEN: "bold", Status.RESOLVED: "green"}
_HEADER: Final = ("ID", "URGENCY", "STATUS", "AGE", "SERVICE", "ASSIGNEE", "TITLE")
# What a narrow terminal leaves out first: assignee, service, age, urgency. `show` has all of it.
_DROPPED: Final = (5, 4, 3, 1)
# Lines of a description; --json has all of it.
_MOST_LINES: Final = 20

_PAGES: Final = {
    None: "being planned",
    PageState.PLANNED: "on its way",
    PageState.REACHED: "reached",
    PageState.FAILED: "not reached: every message failed",
    PageState.CANCELLED: "no longer needed",
}
_STATES: Final = {
    State.SENT: "green",
    State.FAILED: "red",
    State.BOUNCED: "red",
    State.GIVEN_UP: "red",
}


def short(incident_id: str, status: Status) -> str:
    """The part of an id that finds the incident: all of it, once it is resolved."""
    return incident_id if status is Status.RESOLVED else incident_id[:SHORT]


def show_list(screen: Screen, found: Sequence[Listed], now: datetime) -> None:
    screen.rows(_HEADER, _rows(found, now), _DROPPED)


def listing(found: Sequence[Listed], now: datetime, width: int) -> list[Line]:
    return fitted(_HEADER, _rows(found, now), _DROPPED, width)


def _rows(found: Sequence[Listed], now: datetime) -> Sequence[Sequence[Cell]]:
    return [
        (
            short(each.id, each.status),
            urgency(each.urgency),
            status(each.status),
            _age(now - each.created_at),
            slug_of(each.service_id),
            slug_of(each.assignee_id) if each.assignee_id else "-",
            printable(_title(each)),
        )
        for each in found
    ]


def _title(each: Listed) -> str:
    firing = sentences.still_firing(each.firing, each.members)
    return f"{each.title} ({firing})" if firing else each.title


def _age(passed: timedelta) -> str:
    return sentences.lasting(passed) if passed >= timedelta(minutes=1) else "now"


def urgency(which: Urgency) -> Text:
    return Text(which, URGENCIES[which])


def status(which: Status) -> Text:
    return Text(which, STATUSES.get(which, ""))


def show(
    screen: Screen,
    each: IncidentRecords,
    pages: Sequence[Page],
    policy: Policy | None,
    now: datetime,
    zone: ZoneInfo,
) -> None:
    """`zone`: the reader's."""
    incident, name = each.incident, now.astimezone(zone).tzname()
    head = Text(f"{incident.id}  ").append_text(urgency(incident.urgency)).append("  ")
    screen.say(head.append_text(status(incident.status)))
    screen.say(printable(incident.title), "bold")
    screen.say()
    screen.facts(_facts(each, now, zone))
    _heading(screen, "Escalation")
    screen.facts(_escalation(incident, policy, now, zone), indent=2)
    if pages:
        screen.say()
        header: Sequence[str] = (f"PAGED ({name})", "USER", "STEP", "OUTCOME")
        screen.table(header, [_page(page, zone) for page in pages], split=3, indent=2)
    _heading(screen, f"Timeline ({name})")
    screen.facts(_timeline(each, zone), indent=2)
    _heading(screen, "Alerts")
    for sentence in _alerts(each, now, zone):
        screen.say(sentence, indent=2)
    if each.first is not None:
        screen.facts(_alert(each.first), indent=2)
        for line in _description(each.first):
            screen.say(line, indent=4)
    _heading(screen, "Deliveries")
    if not each.deliveries:
        screen.say("None.", indent=2)
    else:
        header = (f"WHEN ({name})", "TO", "CHANNEL", "ABOUT", "STATE", "TRIES", "WHY")
        rows = [_delivery(delivery, zone) for delivery in sorted(each.deliveries, key=_when)]
        screen.table(header, rows, split=6, indent=2)


def _heading(screen: Screen, word: str) -> None:
    screen.say()
    screen.say(word, "bold")


def _facts(
    each: IncidentRecords, now: datetime, zone: ZoneInfo
) -> Iterator[tuple[str, str | Text]]:
    incident = each.incident
    yield "Service", slug_of(incident.service_id)
    yield "Dedup key", printable(incident.dedup_key)
    yield "Opened", _ago(incident.created_at, now, zone)
    if changed := sentences.rolled_out(each.rollouts, incident.created_at):
        yield "Changed", printable(changed)
    if incident.acknowledged_at:
        yield "Acknowledged", _ago(incident.acknowledged_at, now, zone)
    if incident.resolved_at:
        yield "Resolved", _ago(incident.resolved_at, now, zone)
    yield "Assignee", slug_of(incident.assignee_id) if incident.assignee_id else "nobody"
    if incident.window_id == SHADOW:
        yield "Suppressed", "its service is in shadow"
    elif incident.window_id:
        yield "Suppressed", f"by maintenance {incident.window_id}"
    if incident.urgency_in_hours:
        yield "In support hours", f"{incident.urgency_in_hours}, if it is still active"
    for timer, word in (
        (Timer.SNOOZE, "Snoozed until"),
        (Timer.ACKNOWLEDGEMENT, "Opens again"),
        (Timer.AUTO_RESOLVE, "Resolves itself"),
    ):
        if timer in incident.timers:
            yield word, _ahead(incident.timers[timer], now, zone)


def _escalation(
    incident: Incident, policy: Policy | None, now: datetime, zone: ZoneInfo
) -> Iterator[tuple[str, str | Text]]:
    yield "State", incident.escalation
    if incident.policy_id and incident.policy_version:
        yield "Policy", f"{slug_of(incident.policy_id)}, version {incident.policy_version}"
    elif incident.policy_version is not None:
        yield "Policy", "none: pages the whole team of the service at once"
    steps = len(policy.steps) if policy else None
    if incident.step is not None:
        of = f" of {steps}" if steps else ""
        yield "Step", f"step {incident.step + 1}{of}, round {(incident.round or 0) + 1}"
    at = incident.timers.get(Timer.STEP)
    if at is not None:
        yield "Next", f"{_next(incident, steps)}, {_ahead(at, now, zone)}"


def _next(incident: Incident, steps: int | None) -> str:
    number = incident.next_step or 0
    if incident.requested_step is RequestedStep.CURRENT:
        return "the same step again"
    if incident.step is None:
        return "the first step"
    return "the end of the round" if steps is not None and number >= steps else f"step {number + 1}"


def _page(page: Page, zone: ZoneInfo) -> tuple[str, ...]:
    step = "-" if page.step is None else str(page.step + 1)
    return _clock(page.at, zone), slug_of(page.user_id), step, _PAGES[page.state]


def _timeline(each: IncidentRecords, zone: ZoneInfo) -> list[tuple[str, str | Text]]:
    rows = story(each.changes, each.steps, slug_of, lambda at: shown(at, zone))
    if each.opening is not None:
        rows.append((each.opening.at, 1, sentences.opened(each.opening)))
    shown_rows: list[tuple[str, str | Text]] = [
        (_clock(at, zone), printable(sentence)) for at, _, sentence in sorted(rows)
    ]
    return (
        shown_rows
        if each.opening is not None
        else [("", f"Only the last {MOST_ROWS} entries are shown."), *shown_rows]
    )


def _alerts(each: IncidentRecords, now: datetime, zone: ZoneInfo) -> Iterator[str]:
    incident = each.incident
    if incident.alert_count == 1:
        yield "1 alert."
    else:
        last = _ago(incident.last_alert_at, now, zone)
        yield f"{incident.alert_count:,} alerts, the last on {last}."
    firing = sentences.still_firing(incident.firing, incident.members)
    if firing is not None and incident.status is not Status.RESOLVED:
        yield f"{firing}."
    if each.first is None:
        yield "The first alert has expired."
    elif incident.alert_count > 1:
        yield "The first alert:"


def _alert(first: Alert) -> Iterator[tuple[str, str | Text]]:
    answer = answers.alert(first)
    yield "From", printable(first.actor.name)
    for word, text in (("Source", answer.source), ("Severity", answer.severity)):
        if text:
            yield word, printable(text)
    # Another system's sender wrote the event in its own words.
    for each in answer.adjusted or ():
        yield "Adjusted", printable(f"{each.field}: {each.sent} became {each.taken}")


def _description(first: Alert) -> Iterator[str]:
    lines = (describe(first.body) or "").splitlines()
    for line in lines[:_MOST_LINES]:
        inset = len(line) - len(line.lstrip(" "))
        yield " " * inset + printable(line)
    if len(lines) > _MOST_LINES:
        yield f"... and {len(lines) - _MOST_LINES} more lines; --json shows all"


def _when(each: Delivery) -> tuple[datetime, str, str]:
    """A sort key: the time of the last attempt or of the next one, then names."""
    return _tried(each), str(each.owner), each.receiver_id


def _tried(each: Delivery) -> datetime:
    return each.attempts[-1].at if each.attempts else each.due_at or each.not_before


def _delivery(each: Delivery, zone: ZoneInfo) -> tuple[str | Text, ...]:
    owner = slug_of(each.owner.id)
    why = each.why or (each.attempts[-1].why if each.attempts else None)
    said = [printable(why)] if why else []
    if each.reported:
        said.append(f"reported later: {each.reported}")
    return (
        _clock(_tried(each), zone),
        f"{owner}/{method_name(each.receiver_id)}",
        each.channel,
        each.about,
        Text(each.state, _STATES.get(each.state, "")),
        str(each.tries),
        "; ".join(said),
    )


def _clock(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%d %b %H:%M:%S}"


def _ago(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    return f"{shown(at, zone)}, {sentences.ago(at, now)}"


def _ahead(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    away = "now" if at <= now else f"in {sentences.lasting(at - now)}"
    return f"{shown(at, zone)}, {away}"
