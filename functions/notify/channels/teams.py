"""Microsoft Teams: an adaptive card for a Workflows webhook.

Text of strangers goes into text runs, as the card's other texts read Markdown.
"""

import re
from datetime import UTC, datetime
from typing import Final

from notify.channels.tones import MARKS, Tone
from notify.channels.words import words
from opsknight.notification.message import Message

# Teams refuses a message of more than 28 KB with its headers.
LONGEST_TITLE: Final = 500
MOST_ACTIONS: Final = 6

_STYLES: Final = {
    Tone.HIGH: "attention",
    Tone.MEDIUM: "warning",
    Tone.LOW: "accent",
    Tone.HELD: "emphasis",
    Tone.OVER: "good",
    Tone.NEUTRAL: "default",
}


def escaped(text: str) -> str:
    """Shows as text what Markdown would read as a link or emphasis."""
    return re.sub(r"([\\`*_\[\]()<>#{}])", r"\\\1", text)


def render(message: Message) -> dict[str, object]:
    said = words(message)
    headline = f"{MARKS[said.tone]} {said.headline(LONGEST_TITLE)}"
    body: list[dict[str, object]] = [
        {
            "type": "Container",
            "style": _STYLES[said.tone],
            "bleed": True,
            "items": [
                _run(headline, size="Large" if len(headline) < 150 else "Medium", weight="Bolder"),
                _run(said.happened),
            ],
        }
    ]
    if said.facts:
        facts = [{"title": name, "value": _shown(value)} for name, value in said.facts]
        body.append({"type": "FactSet", "facts": facts})
    body += [_run(f"• {line}") for line in said.listed]
    if said.more:
        body.append(_run(said.more))
    if said.todo:
        body.append(_run(said.todo, isSubtle=True))
    card: dict[str, object] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": f"{headline} - {said.happened}",
        "msteams": {"width": "Full"},
        "body": body,
    }
    links = [(said.link_label, said.link)] if said.link else []
    if actions := [*links, *said.references][:MOST_ACTIONS]:
        card["actions"] = [
            {"type": "Action.OpenUrl", "title": label, "url": url} for label, url in actions
        ]
    kind = "application/vnd.microsoft.card.adaptive"
    attachment = {"contentType": kind, "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _run(text: str, **style: object) -> dict[str, object]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **style}]}


def _shown(value: str | datetime) -> str:
    if isinstance(value, str):
        return escaped(value)
    # In the reader's own time zone.
    at = f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return f"{{{{DATE({at},SHORT)}}}} {{{{TIME({at})}}}}"
