"""The pages behind links, as HTML: small, without scripts, and nothing is fetched from elsewhere.

Its reader has just been woken up, holds a phone, and wants two things: to know what broke, and a
button. Strangers wrote the titles and details, so all text is escaped (`markup`).
"""

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from opsknight.classes import dataclass
from opsknight.escalation.hold import Spell
from opsknight.escalation.pages import StepTaken
from opsknight.http.gateway import Answer
from opsknight.incident.event_request import describe
from opsknight.incident.model import Alert, Incident, Status, Timer
from opsknight.incident.references import Reference, details
from opsknight.incident.timeline import Change
from opsknight.views.sentences import Names, ago, opened, still_firing
from opsknight.views.story import story
from respond.having import Having
from respond.markup import Html, joined, tag, with_links

SHOWN_DETAILS: Final = 1200
# Entries of the timeline.
LATEST: Final = 8
_CSS: Final = Path(__file__).with_name("page.css")

# The actions in each status, with the text and the look of their buttons.
BUTTONS: Final[dict[Status, tuple[tuple[str, str, str], ...]]] = {
    # Only one is filled: a resolve pressed by mistake is final.
    Status.OPEN: (
        ("acknowledge", "Acknowledge", "first"),
        ("resolve", "Resolve", "green"),
    ),
    Status.ACKNOWLEDGED: (("resolve", "Resolve", "last wide"),),
    Status.SNOOZED: (
        ("acknowledge", "Acknowledge", "first"),
        ("resolve", "Resolve", "green"),
    ),
    Status.SUPPRESSED: (
        ("acknowledge", "Acknowledge", "first"),
        ("resolve", "Resolve", "green"),
    ),
    Status.RESOLVED: (),
}


# The values of the buttons, with their text.
SNOOZES: Final = (("30m", "30 min"), ("1h", "1 h"), ("4h", "4 h"), ("morning", "until 9:00"))


@dataclass(frozen=True, slots=True)
class PageView:
    """All that a page shows. `latest` are the newest changes, `steps` the newest steps of the
    escalation, both newest first.
    """

    incident: Incident
    service: str
    reader_id: str
    reader: str
    alert: Alert | None
    latest: Sequence[Change]
    steps: Sequence[StepTaken]
    names: Names
    zone: ZoneInfo
    """The reader's time zone."""
    ends_at: datetime
    token: str
    """The token of the link that leads here."""
    references: Sequence[Reference] = ()
    message: str | None = None
    """The token of the list, if the message told other incidents, too."""
    hold: Spell | None = None
    """The hold that is on."""
    rolled_out: str = ""
    """What changed on the service shortly before, as a sentence."""

    def clock(self, at: datetime) -> str:
        return clock(at, self.zone)


def incident_page(view: PageView, now: datetime) -> Answer:
    incident = view.incident
    body = joined(
        hold_banner(view.hold, view.zone),
        _message(view),
        tag(
            "header",
            tag("span", incident.urgency.capitalize(), class_=f"urgency {incident.urgency}"),
            tag("span", incident.status.capitalize(), class_=f"status {incident.status}"),
        ),
        tag("h1", incident.title, dir="auto"),
        _facts(view, now),
        _references(view.references),
        _buttons(incident.status),
        _more(incident.status, view.token),
        _details(view.alert),
        _timeline(view, now),
        footer(view.reader, view.ends_at, view.zone),
    )
    return html_page(200, f"{incident.status.capitalize()}: {incident.title}", body)


def footer(reader: str, ends_at: datetime, zone: ZoneInfo) -> Html:
    return tag(
        "footer",
        f"You act as {reader}. Keep this link to yourself: "
        f"it works without a password until {clock(ends_at, zone)}.",
    )


def clock(at: datetime, zone: ZoneInfo) -> str:
    """An instant as the reader's clock shows it."""
    local = at.astimezone(zone)
    return f"{local:%d %b %H:%M} {local.tzname()}"


def sentence_page(status: int, heading: str, sentence: str) -> Answer:
    """A page that says nothing about any incident."""
    return html_page(status, heading, joined(tag("h1", heading), tag("p", sentence)))


def hold_banner(hold: Spell | None, zone: ZoneInfo) -> Html | None:
    """Says loudly that nobody is paged; None when no hold is on."""
    if hold is None:
        return None
    why = f" ({hold.reason})" if hold.reason else ""
    said = f"On hold until {clock(hold.end, zone)}{why}: OpsKnight pages nobody."
    return tag("p", f"{said} What you do here counts.", class_="hold")


def _facts(view: PageView, now: datetime) -> Html:
    incident = view.incident
    facts: list[tuple[str, str]] = [
        ("Service", tag("b", view.service)),
        (
            "Opened",
            joined(tag("b", ago(incident.created_at, now)), f", {view.clock(incident.created_at)}"),
        ),
        (
            "Who",
            Having(incident, view.reader_id, view.latest, view.steps, view.names).said(now),
        ),
    ]
    if incident.status is Status.SNOOZED and Timer.SNOOZE in incident.timers:
        facts.append(("Snoozed until", view.clock(incident.timers[Timer.SNOOZE])))
    if incident.status is Status.ACKNOWLEDGED and Timer.ACKNOWLEDGEMENT in incident.timers:
        again = view.clock(incident.timers[Timer.ACKNOWLEDGEMENT])
        facts.append(("Next", f"Opens again and pages at {again}, unless it is resolved"))
    if incident.resolved_at is not None:
        facts.append(
            ("Resolved", f"{ago(incident.resolved_at, now)}, {view.clock(incident.resolved_at)}")
        )
    if incident.alert_count > 1:
        last = ago(incident.last_alert_at, now)
        facts.append(("Alerts", f"{incident.alert_count}, the last {last}"))
    if view.rolled_out:
        facts.append(("Changed", tag("span", view.rolled_out, dir="auto")))
    firing = still_firing(incident.firing, incident.members)
    if firing is not None and incident.status is not Status.RESOLVED:
        facts.append(("Group", firing))
    if view.alert is not None:
        facts.append(("From", view.alert.actor.name))
    return tag("dl", *(joined(tag("dt", name), tag("dd", value)) for name, value in facts))


def _buttons(status: Status) -> Html | None:
    """One form a button, so that each works without a script."""
    forms = [
        tag("button", text, name="action", value=action, class_=look, type="submit")
        for action, text, look in BUTTONS[status]
    ]
    if not forms:
        return None
    return tag("div", tag("form", *forms, method="post"), class_="act")


def _more(status: Status, token: str) -> Html | None:
    """The rarer actions, out of the way of a thumb that looks for the large buttons."""
    if status is Status.RESOLVED:
        return None
    rows = []
    if status in (Status.OPEN, Status.ACKNOWLEDGED, Status.SNOOZED):
        snoozes = (
            tag("button", text, name="snooze", value=value, type="submit")
            for value, text in SNOOZES
        )
        rows.append(tag("form", tag("span", "Snooze"), *snoozes, method="post", class_="small"))
    escalate = (
        tag(
            "form",
            tag("button", "Escalate now", name="action", value="escalate", type="submit"),
            method="post",
        )
        if status in (Status.OPEN, Status.ACKNOWLEDGED)
        else None
    )
    more = tag("a", "Hand on, page, note", href=f"{token}?do=more", class_="button")
    rows.append(tag("div", escalate, more, class_="small"))
    return joined(*rows)


def _references(found: Sequence[Reference]) -> Html | None:
    """Where to look next, within reach of a thumb."""
    if not found:
        return None
    links = (
        tag("a", each.label, href=each.url, rel="noopener noreferrer", dir="auto") for each in found
    )
    return tag("p", *links, class_="links")


def _details(alert: Alert | None) -> Html | None:
    text = None if alert is None else details(alert.body)
    raw = None if alert is None else describe(alert.body)
    if text is None or raw is None:
        return None
    more = None
    if len(text) > SHOWN_DETAILS:
        # At the end of a line where possible, so that no value is cut in two.
        cut = text.rfind("\n", SHOWN_DETAILS // 2, SHOWN_DETAILS)
        cut = SHOWN_DETAILS if cut < 0 else cut
        more = tag(
            "details", tag("summary", "All details"), tag("pre", with_links(text), dir="auto")
        )
        text = f"{text[:cut]}\n…"
    shown = tag("pre", with_links(text), dir="auto")
    source = tag("details", tag("summary", "As JSON"), tag("pre", with_links(raw), dir="auto"))
    return joined(tag("h2", "Details of the first alert"), shown, more, source)


def _message(view: PageView) -> Html | None:
    if view.message is None:
        return None
    return tag("p", tag("a", "All incidents of this message", href=view.message), class_="up")


def _timeline(view: PageView, now: datetime) -> Html:
    told = story(view.latest, view.steps, view.names, view.clock)
    entries = [(at, sentence) for at, _, sentence in reversed(told)]
    complete = view.incident.changes == len(view.latest) + 1 and len(view.steps) < LATEST
    if view.alert is not None and complete:
        entries.append((view.alert.at, opened(view.alert)))
    rows = [
        tag("li", tag("span", text, dir="auto"), tag("small", f"{ago(at, now)}, {view.clock(at)}"))
        for at, text in entries[: LATEST + 1]
    ]
    whole = complete and len(rows) == len(entries)
    heading = "Timeline" if whole else f"Timeline, the last {len(rows)} entries"
    return joined(tag("h2", heading), tag("ol", *rows, class_="timeline"))


def html_page(status: int, title: str, body: Html) -> Answer:
    css = _CSS.read_text(encoding="utf-8")
    head = joined(
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="robots", content="noindex"),
        tag("title", title),
        Html(f"<style>{css}</style>"),
    )
    html = joined(
        Html("<!doctype html>"),
        tag("html", tag("head", head), tag("body", tag("main", body)), lang="en"),
    )
    digest = b64encode(sha256(css.encode()).digest()).decode()
    headers = {
        # Only our own style; nothing is fetched, framed, or sent anywhere else.
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        ),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex, nofollow",
    }
    return Answer(status, html, headers)
