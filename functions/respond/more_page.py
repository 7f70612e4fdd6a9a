"""The second page behind a link: hand the incident on, page others, write a note."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from opsknight.classes import dataclass
from opsknight.http.gateway import Answer
from opsknight.incident.commands import LONGEST_NOTE
from opsknight.incident.model import Incident, Status
from respond.markup import Html, joined, tag
from respond.pages import footer, html_page
from respond.people import Choice, Person


@dataclass(frozen=True, slots=True)
class MoreView:
    incident: Incident
    token: str
    """The token of the link back to the incident."""
    people: Sequence[Person]
    choices: Sequence[Choice]
    reader: str
    zone: ZoneInfo
    ends_at: datetime


def more_page(view: MoreView) -> Answer:
    incident = view.incident
    awake = incident.status in (Status.OPEN, Status.ACKNOWLEDGED)
    body = joined(
        tag("p", tag("a", "Back to the incident", href=view.token), class_="up"),
        tag("h1", incident.title, dir="auto"),
        _hand_on(view),
        _also_page(view) if awake else None,
        _note(),
        footer(view.reader, view.ends_at, view.zone),
    )
    return html_page(200, f"More: {incident.title}", body)


def _hand_on(view: MoreView) -> Html:
    if not view.people:
        return joined(tag("h2", "Hand it on"), tag("p", "There is nobody else to hand it on to."))
    open_now = view.incident.status is Status.OPEN
    said = (
        "Whoever you choose is paged at once." if open_now else "Whoever you choose gets a message."
    )
    return joined(
        tag("h2", "Hand it on"),
        tag("p", said, class_="dim"),
        _buttons("hand-on", "to", [(each.user_id, each.name, each.why) for each in view.people]),
    )


def _also_page(view: MoreView) -> Html:
    people = [(f"user:{each.user_id}", each.name, each.why) for each in view.people]
    others = [(each.value, each.name, each.who) for each in view.choices]
    return joined(
        tag("h2", "Also page"),
        tag("p", "They are asked to help. Whoever has it keeps it.", class_="dim"),
        _buttons("also-page", "whom", [*others, *people]),
    )


def _buttons(action: str, name: str, found: Sequence[tuple[str, str, str]]) -> Html:
    rows = (
        tag(
            "li",
            tag(
                "button",
                tag("b", label, dir="auto"),
                tag("small", why, dir="auto") if why else None,
                name=name,
                value=value,
                type="submit",
            ),
        )
        for value, label, why in found
    )
    hidden = tag("input", type="hidden", name="action", value=action)
    return tag("form", hidden, tag("ul", *rows, class_="list choices"), method="post")


def _note() -> Html:
    return joined(
        tag("h2", "Write a note"),
        tag(
            "form",
            tag("input", type="hidden", name="action", value="note"),
            tag(
                "textarea",
                "",
                name="text",
                rows="3",
                required="required",
                maxlength=str(LONGEST_NOTE),
                aria_label="Note",
            ),
            tag("button", "Add the note", type="submit"),
            method="post",
            class_="ask",
        ),
    )
