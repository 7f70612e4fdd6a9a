"""The words of a message before any channel lays them out: what broke, where, how bad, since when,
who acted, and what to do next.

The words are clean but not escaped: each channel escapes for itself.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from html import escape
from typing import Final, assert_never

from notify.channels.reported import of_report
from notify.channels.said import (
    CHANGED,
    LONGEST_NAME,
    Words,
    named,
    of_answer,
    of_change,
    of_code,
    of_shift,
    of_test,
)
from notify.channels.text import clean, counted, cut, isolated, span
from notify.channels.tones import tone_of
from opsknight.directory.receivers import IncidentEvent
from opsknight.directory.status_pages import StatusPageEvent
from opsknight.incident.model import Status, Urgency
from opsknight.incident.references import Reference
from opsknight.incident.text import short_id
from opsknight.notification.continued import MOST_SERVICES
from opsknight.notification.message import Brief, Earlier, Message, PageReason

NAMED_IN_A_BUNDLE: Final = 5
LINKED: Final = 6
# All addresses together, as HTML has them: Google Chat takes 32 KB.
_LONGEST_LINKS: Final = 8000


def words(message: Message) -> Words:
    message = public_part(message) if isinstance(message.about, StatusPageEvent) else message
    match message.incidents:
        case () if message.about is PageReason.ANSWER:
            return of_answer(message)
        case () if message.about is PageReason.CODE:
            return of_code(message)
        case () if message.about is PageReason.REPORT:
            return of_report(message)
        case () if message.about is PageReason.ON_CALL:
            return of_shift(message)
        case () if message.about is PageReason.CHANGED:
            return of_change(message)
        case ():
            return of_test(message)
        case (brief,):
            return _single(message, brief)
        case briefs:
            return _bundle(message, briefs)


def public_part(message: Message) -> Message:
    """Without what a status page must not show: people, links to act, and where the alert came
    from.
    """
    briefs = tuple(
        replace(brief, dedup_key="", source=None, assignee=None, by=None, link=None, references=())
        for brief in message.incidents
    )
    return replace(message, incidents=briefs, link=None, step=None)


def _single(message: Message, brief: Brief) -> Words:
    tone = tone_of(brief)
    link = brief.link or message.link
    return Words(
        tone=tone,
        label=_label(message, brief),
        title=clean(brief.title) or "(no title)",
        happened=_happened(message, brief),
        facts=_facts(message, brief),
        todo=_todo(message.about, brief.status),
        references=_references(brief.references),
        zone=message.zone,
        link=link,
        link_label=_link_label(message.about, brief.status),
    )


def _label(message: Message, brief: Brief) -> str:
    if message.about is PageReason.ASSIGNED and brief.status is not Status.RESOLVED:
        # `Acknowledged` on a lock screen reads as if somebody else were on it.
        return "Yours now"
    return brief.urgency if brief.status is Status.OPEN else brief.status.capitalize()


def _references(found: Sequence[Reference]) -> tuple[tuple[str, str], ...]:
    """Those that fit into any provider's message: a monitor's longest ones must not cost a page."""
    kept, left = list[tuple[str, str]](), _LONGEST_LINKS
    for each in found:
        size = len(escape(each.url))
        if size <= left:
            left -= size
            # ntfy refuses a message with an empty label.
            kept.append((named(each.label) or "Link", each.url))
    return tuple(kept[:LINKED])


def _link_label(about: PageReason | IncidentEvent | StatusPageEvent, status: Status) -> str:
    if not isinstance(about, PageReason):
        # Its page asks who they are.
        return "Open the incident"
    match status:
        case Status.RESOLVED:
            return "Open the incident"
        case Status.ACKNOWLEDGED:
            return "Resolve"
        case _:
            return "Acknowledge or resolve"


def _facts(message: Message, brief: Brief) -> tuple[tuple[str, str | datetime], ...]:
    public = isinstance(message.about, StatusPageEvent)
    facts: list[tuple[str, str | datetime]] = [
        ("Service", named(brief.service_name)),
        ("Urgency", brief.urgency),
        ("Since", brief.created_at),
    ]
    if brief.number_of_alerts > 1:
        facts.append(("Alerts", f"{brief.number_of_alerts:,}"))
    if not public and (who := _who(brief, isinstance(message.about, PageReason))):
        facts.append(("Who had it" if brief.status is Status.RESOLVED else "Who has it", who))
    if brief.rolled_out and not public:
        facts.append(("Changed", named(brief.rolled_out)))
    if brief.source:
        facts.append(("Source", named(brief.source)))
    if not public:
        facts.append(("Incident", short_id(brief.id)))
    return tuple(facts)


def _who(brief: Brief, paged: bool) -> str:
    """To be paged, or given it, is not to have acknowledged it. Whoever is `paged` needs no name of
    the one who was paged first: others may be paged with them.
    """
    name = named(brief.assignee) if brief.assignee else ""
    has = name if brief.taken_on else ""
    match brief.status:
        case Status.OPEN:
            told = name and brief.paged_first and not paged
            first = f"; {name} was paged first" if told else ""
            return f"nobody yet{first}"
        case Status.ACKNOWLEDGED:
            return has or "nobody, though it is acknowledged"
        case Status.RESOLVED:
            return has
        case Status.SNOOZED | Status.SUPPRESSED:
            return has or "nobody"
        case unknown:
            assert_never(unknown)


def _happened(message: Message, brief: Brief) -> str:
    by = f" by {named(brief.by)}" if brief.by else ""
    after = f" after {span(message.at - brief.created_at)}"
    match message.about:
        case PageReason.PAGED:
            step = f", step {message.step + 1} of the escalation" if message.step else ""
            return f"You are being paged{step}"
        case PageReason.ASSIGNED:
            return f"Assigned to you{by}"
        case PageReason.ALSO_PAGED:
            return f"You are asked to help{by}"
        case PageReason.JOINED:
            return f"One more alert fires: {cut(clean(message.note or ''), 200)}"
        case PageReason.ANSWER:
            return "Your reply by text message"
        case PageReason.ON_CALL:
            return "On-call schedule"
        case PageReason.CHANGED:
            return CHANGED
        case PageReason.REPORT:
            return "Daily report"
        case PageReason.REQUESTED:
            return "The link that you asked for"
        case PageReason.CODE:
            return "The code that you asked for"
        case PageReason.TEST:
            return "Only a test"
        case IncidentEvent.TRIGGERED:
            return "Triggered"
        case StatusPageEvent.CREATED:
            return "New incident"
        case IncidentEvent.ACKNOWLEDGED | StatusPageEvent.ACKNOWLEDGED:
            return f"Acknowledged{by}{after}"
        case IncidentEvent.RESOLVED | StatusPageEvent.RESOLVED:
            return f"Resolved{by}{after}"
        case IncidentEvent.REOPENED:
            return f"Reopened{by}{after}"
        case IncidentEvent.SNOOZED:
            return f"Snoozed{by}"
        case IncidentEvent.EXHAUSTED:
            return "Nobody has answered, and there is nobody left to page"
        case StatusPageEvent.UPDATED:
            note = cut(clean(message.note or ""), 500)
            return f"Update: {note}" if note else "Updated"
        case unknown:
            assert_never(unknown)


def _todo(about: PageReason | IncidentEvent | StatusPageEvent, status: Status) -> str:
    match about:
        case PageReason.PAGED:
            return "Acknowledge it if you are on it. Paging continues until somebody does."
        case PageReason.ALSO_PAGED:
            return "Look at it with whoever has it. It stays theirs unless you acknowledge it."
        case PageReason.ASSIGNED:
            return "It is already acknowledged, and yours until it is resolved."
        case IncidentEvent.TRIGGERED | IncidentEvent.REOPENED if status is Status.OPEN:
            return "Acknowledge it to take it on."
        case IncidentEvent.EXHAUSTED:
            return "Take it on, or call somebody who can."
        case IncidentEvent.SNOOZED:
            return "It reopens by itself when the time is up."
        case _:
            return ""


def _bundle(message: Message, briefs: tuple[Brief, ...]) -> Words:
    open_ones = [brief for brief in briefs if brief.status is Status.OPEN]
    earlier = message.earlier or Earlier(told={}, services=())
    urgencies = Counter[str](brief.urgency for brief in briefs)
    urgencies.update(earlier.told)
    number = len(briefs) + earlier.incidents
    services = {*(each.service_id for each in briefs), *earlier.services}
    many = len(earlier.services) > MOST_SERVICES
    on = f"over {MOST_SERVICES} services" if many else counted(len(services), "service")
    counts = ", ".join(
        f"{urgencies[urgency]} {urgency}" for urgency in Urgency if urgencies[urgency]
    )
    named = briefs[:NAMED_IN_A_BUNDLE]
    missing = number - len(named)
    paged = message.about is PageReason.PAGED
    happened = f"{'You are being paged' if paged else 'New since the last message'}: {counts}"
    if isinstance(message.about, IncidentEvent):
        happened = _since_the_last(briefs, len(open_ones))
    return Words(
        tone=tone_of((open_ones or briefs)[0]),
        label=briefs[0].urgency if open_ones else "",
        # The first of them, too: more than its beginning no lock screen shows.
        title=f"{counted(number, 'incident')}: {clean(briefs[0].title) or '(no title)'}",
        happened=f"{happened}, on {on}",
        zone=message.zone,
        facts=(("Since", min(brief.created_at for brief in briefs)),),
        listed=tuple(_line(brief) for brief in named),
        more=f"and {missing} more" if missing else "",
        todo="Acknowledge those you are on. Paging continues for the others." if paged else "",
        link=message.link,
        link_label=f"See all {number}",
    )


def _since_the_last(briefs: Sequence[Brief], still_open: int) -> str:
    """`8 triggered, 5 resolved; 7 of them open now`."""
    events = Counter(brief.event for brief in briefs if brief.event)
    counts = ", ".join(f"{events[each]} {each}" for each in IncidentEvent if events[each])
    return f"Since the last message: {counts}; {still_open} of them open now"


def _line(brief: Brief) -> str:
    title = isolated(cut(clean(brief.title), LONGEST_NAME))
    state = "" if brief.status is Status.OPEN else f", {brief.status.lower()}"
    return f"{brief.urgency}: {title} ({named(brief.service_name)}{state})"
