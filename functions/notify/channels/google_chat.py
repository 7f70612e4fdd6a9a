"""Google Chat: a card for a space's webhook, in one thread for each incident."""

from html import escape
from typing import Final

from notify.channels.tones import MARKS
from notify.channels.words import words
from opsknight.notification.message import Message

# A card may have 32 KB; a header's title is one line.
LONGEST_HEADLINE: Final = 500

# Without this, Google Chat ignores the thread key and starts a thread for each message.
QUERY: Final = "messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"


def render(message: Message) -> dict[str, object]:
    """Everything is in the card: its texts can be escaped as HTML, a message's text cannot."""
    said = words(message)
    headline = said.headline(LONGEST_HEADLINE)
    widgets: list[dict[str, object]] = [_paragraph(f"<b>{escape(headline, quote=False)}</b>")]
    widgets += [
        {
            "decoratedText": {
                "topLabel": name,
                "text": escape(said.shown(value), quote=False),
                "wrapText": True,
            }
        }
        for name, value in said.facts
    ]
    if said.listed:
        lines = [f"• {escape(line, quote=False)}" for line in said.listed]
        widgets.append(_paragraph("<br>".join([*lines, said.more] if said.more else lines)))
    if said.references:
        links = (
            f'<a href="{escape(url)}">{escape(label, quote=False)}</a>'
            for label, url in said.references
        )
        widgets.append(_paragraph(" · ".join(links)))
    if said.todo:
        widgets.append(_paragraph(f"<i>{escape(said.todo, quote=False)}</i>"))
    if said.link:
        button = {"text": said.link_label, "onClick": {"openLink": {"url": said.link}}}
        widgets.append({"buttonList": {"buttons": [button]}})
    card = {
        "header": {"title": f"{MARKS[said.tone]} {said.happened}", "subtitle": "OpsKnight"},
        "sections": [{"widgets": widgets}],
    }
    payload: dict[str, object] = {
        # For notifications. Nothing can be escaped there, and `<users/all>` would call everybody.
        "fallbackText": f"{headline} - {said.happened}".replace("<", "("),
        "cardsV2": [{"cardId": "incident", "card": card}],
    }
    if len(message.incidents) == 1:
        payload["thread"] = {"threadKey": message.incidents[0].id}
    return payload


def _paragraph(text: str) -> dict[str, object]:
    return {"textParagraph": {"text": text}}
