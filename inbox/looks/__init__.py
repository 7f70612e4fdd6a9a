"""Draws messages in HTML as their receivers see them.

All text in messages comes from strangers: it is escaped, and nothing in here trusts it.
"""

from collections.abc import Callable
from typing import Final

from inbox.looks.cards import discord, google_chat, teams, telegram
from inbox.looks.mail import mail, mail_html
from inbox.looks.markup import Html, el, icon
from inbox.looks.phone import ntfy, pushover, sms, voice
from inbox.looks.slack import slack
from inbox.looks.webhooks import request, webhook
from inbox.mailbox import Message
from opsknight.directory.receivers import Channel

LOOKS: Final[dict[Channel, Callable[[Message], Html]]] = {
    Channel.EMAIL: mail,
    Channel.SMS: sms,
    Channel.VOICE: voice,
    Channel.SLACK: slack,
    Channel.SLACK_WEBHOOK: slack,
    Channel.WEBHOOK: webhook,
    Channel.TEAMS: teams,
    Channel.DISCORD: discord,
    Channel.GOOGLE_CHAT: google_chat,
    Channel.TELEGRAM: telegram,
    Channel.NTFY: ntfy,
    Channel.PUSHOVER: pushover,
}

__all__ = ["LOOKS", "look", "mail_html"]


def look(message: Message, edits: list[Message]) -> Html:
    """A message with its earlier versions below. `edits` are all versions, this one included."""
    shown = edits[-1] if edits and not message.why else message
    before = [each for each in reversed(edits) if each is not shown]
    history = [
        el("details", el("summary", "sent ", _moment(each)), _drawn(each), class_="version")
        for each in before
    ]
    return el(
        "article",
        _head(shown, len(before)),
        _drawn(shown),
        el("section", el("h3", "Earlier versions"), *history) if before else None,
        request(shown),
        class_=f"look ch-{shown.channel.value}",
    )


def _drawn(message: Message) -> Html:
    if not message.well_formed:
        return el("pre", message.text, class_="mail-text") if message.text else el("div")
    return el("div", LOOKS[message.channel](message), class_="stage")


def _head(message: Message, edited: int) -> Html:
    status = "no answer sent" if message.status is None else f"answered {message.status}"
    return el(
        "header",
        el("span", icon(message.channel.value), class_="badge"),
        el(
            "span",
            el("b", message.channel.value.replace("_", " ")),
            f" to {message.to}" if message.to else None,
            el("br"),
            el("span", _moment(message), f" · {status}", class_="quiet"),
            f" · edited {edited}×" if edited else None,  # noqa: RUF001 - times
            class_="head-words",
        ),
        el("div", message.why, class_="refused") if message.why else None,
        class_="look-head",
    )


def _moment(message: Message) -> Html:
    at = message.at.isoformat()
    return el("time", at, datetime=at, class_="moment")
