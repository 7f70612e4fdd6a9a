"""Teams, Discord and Google Chat: webhooks that take a card each."""

import re
from typing import Any, Final

from inbox.providers.aws import without_tags
from inbox.providers.reading import Desk, Reading, first_line, inner, listed, told
from inbox.wire import Answer, Request, Unreadable, as_json
from opsknight.directory.receivers import Channel

_TEAMS_MOST: Final = 28 * 1024
"""Bytes of a message:
https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
"""
_ADAPTIVE: Final = "application/vnd.microsoft.card.adaptive"

_EMBED: Final = {"title": 256, "description": 4096}
_EMBEDS_MOST: Final = 6000
"""Characters: https://discord.com/developers/docs/resources/message#embed-object-embed-limits"""

_GOOGLE_MOST: Final = 32_000
"""Bytes: https://developers.google.com/workspace/chat/create-messages"""
_GOOGLE_KNOWN: Final = {
    "accessoryWidgets",
    "actionResponse",
    "annotations",
    "cards",
    "cardsV2",
    "fallbackText",
    "privateMessageViewer",
    "quotedMessageMetadata",
    "text",
    "thread",
}


def teams(request: Request, _desk: Desk) -> Reading:
    """A Workflows webhook takes a message with adaptive cards, and says 202 and nothing else."""
    to = request.path
    if len(request.body) > _TEAMS_MOST:
        return _teams_refused(to, 413, "RequestEntityTooLarge", "the message is over 28 KB")
    try:
        asked = request.json()
    except Unreadable as fault:
        return _teams_refused(to, 400, "InvalidRequestContent", str(fault))
    cards = [
        inner(each.get("content"))
        for each in listed(asked.get("attachments"))
        if each.get("contentType") == _ADAPTIVE
    ]
    if asked.get("type") != "message" or not cards:
        why = "has to be of type message, with an adaptive card as attachment"
        return _teams_refused(to, 400, "BadRequest", why)
    for card in cards:
        if card.get("type") != "AdaptiveCard" or not told(card.get("version")):
            why = "the content has to be an AdaptiveCard with a version"
            return _teams_refused(to, 400, "BadRequest", why)
    text = "\n".join(_words(cards))
    title = told(asked.get("summary")) or _largest(cards[0]) or first_line(text)
    return Reading(Channel.TEAMS, Answer(202), to=to, title=title, text=text)


def discord(request: Request, desk: Desk) -> Reading:
    """204 and nothing, or with `?wait=true` the message."""
    to = request.path
    try:
        asked = request.json()
    except Unreadable as fault:
        error = {"message": "The request body contains invalid JSON.", "code": 50109}
        return Reading(Channel.DISCORD, as_json(400, error), to=to, why=str(fault))
    content, embeds = told(asked.get("content")), listed(asked.get("embeds"))
    if not content and not embeds:
        error = {"message": "Cannot send an empty message", "code": 50006}
        return Reading(Channel.DISCORD, as_json(400, error), to=to, why=str(error["message"]))
    wrong = _discord_faults(asked)
    if wrong:
        error = {"message": "Invalid Form Body", "code": 50035, "errors": wrong}
        why = "; ".join(f"{name}: {fault}" for name, fault in wrong.items())
        return Reading(Channel.DISCORD, as_json(400, error), to=to, why=why)
    lines = [content]
    for embed in embeds:
        lines += [told(embed.get("title")), told(embed.get("description"))]
        for field in listed(embed.get("fields")):
            lines.append(f"{told(field.get('name'))}: {told(field.get('value'))}")
        lines.append(told(inner(embed.get("footer")).get("text")))
    text = "\n".join(line for line in lines if line)
    # A backslash takes its meaning from a mark.
    shown = content or told(next(iter(embeds), {}).get("title"))
    title = re.sub(r"\\([^\w\s])", r"\1", shown)
    answer = Answer(204)
    if request.query.get("wait") == "true":
        answer = as_json(200, {"id": str(desk.mailbox.ticket()), "content": content})
    return Reading(Channel.DISCORD, answer, to=to, title=title or first_line(text), text=text)


def google_chat(request: Request, desk: Desk) -> Reading:
    """Answers with the message that it made."""
    to = request.path
    why = ""
    asked: dict[str, Any] = {}
    try:
        asked = request.json()
    except Unreadable as fault:
        why = f"Invalid JSON payload received: {fault}"
    unknown = asked.keys() - _GOOGLE_KNOWN
    cards = [inner(each.get("card")) for each in listed(asked.get("cardsV2"))]
    if unknown:
        why = f'Invalid JSON payload received. Unknown name "{min(unknown)}": Cannot find field.'
    elif len(request.body) > _GOOGLE_MOST:
        why = "Message is too long: at most 32,000 bytes."
    elif not why and not told(asked.get("text")) and not cards:
        why = "Message cannot be empty."
    elif not why and not all(card.get("sections") or card.get("header") for card in cards):
        why = "A card needs a header or sections."
    if why:
        error = {"error": {"code": 400, "message": why, "status": "INVALID_ARGUMENT"}}
        return Reading(Channel.GOOGLE_CHAT, as_json(400, error), to=to, why=why)
    text = "\n".join([*filter(None, [told(asked.get("text"))]), *_words(cards)])
    # A card's header need not say what it is about; the first words below it do.
    below = [without_tags(first_line("\n".join(_words(card.get("sections"))))) for card in cards]
    title = next(filter(None, [told(asked.get("text")).replace("*", ""), *below]), "")
    made = {"name": f"spaces/LOCAL/messages/{desk.mailbox.ticket()}", **asked}
    return Reading(Channel.GOOGLE_CHAT, as_json(200, made), to=to, title=title, text=text)


def _discord_faults(asked: dict[str, Any]) -> dict[str, Any]:
    """By the names of Discord's own error form, for what is too long or too many."""
    wrong: dict[str, Any] = {}

    def longest(name: str, value: Any, most: int, *, needed: bool = False) -> int:
        if len(told(value)) > most:
            wrong[name] = f"Must be {most} or fewer in length."
        if needed and not told(value).strip():
            wrong[name] = "This field is required"
        return len(told(value))

    longest("content", asked.get("content"), 2000)
    embeds = listed(asked.get("embeds"))
    if len(embeds) > 10:
        wrong["embeds"] = "Must be 10 or fewer in length."
    total = 0
    for index, embed in enumerate(embeds):
        at = f"embeds.{index}"
        for name, most in _EMBED.items():
            total += longest(f"{at}.{name}", embed.get(name), most)
        footer, author = inner(embed.get("footer")), inner(embed.get("author"))
        total += longest(f"{at}.footer", footer.get("text"), 2048)
        total += longest(f"{at}.author", author.get("name"), 256)
        fields = listed(embed.get("fields"))
        if len(fields) > 25:
            wrong[f"{at}.fields"] = "Must be 25 or fewer in length."
        for number, field in enumerate(fields):
            here = f"{at}.fields.{number}"
            total += longest(f"{here}.name", field.get("name"), 256, needed=True)
            total += longest(f"{here}.value", field.get("value"), 1024, needed=True)
        colour = embed.get("color", 0)
        if not (isinstance(colour, int) and 0 <= colour <= 0xFFFFFF):
            wrong[f"{at}.color"] = "Must be a colour's number."
        if "url" in embed and not told(embed["url"]).startswith(("http://", "https://")):
            wrong[f"{at}.url"] = "Not a well formed URL."
    if total > _EMBEDS_MOST:
        wrong["embeds"] = "Embed size exceeds maximum size of 6000"
    return wrong


def _largest(card: dict[str, Any]) -> str:
    """What stands out in a card: its title."""
    large = ("large", "extralarge")
    sized = [it for it in listed(card.get("body")) if told(it.get("size")).lower() in large]
    return next((told(it.get("text")) for it in sized), "")


_READ: Final = ("title", "subtitle", "text", "topLabel", "value", "bottomLabel")


def _words(node: Any) -> list[str]:
    """Everything in a card that can be read, in its order."""
    if isinstance(node, list):
        return [line for each in node for line in _words(each)]
    if not isinstance(node, dict):
        return []
    own = [node[name] for name in _READ if told(node.get(name))]
    return own + [line for name, each in node.items() if name not in _READ for line in _words(each)]


def _teams_refused(to: str, status: int, code: str, why: str) -> Reading:
    error = {"error": {"code": code, "message": why}}
    return Reading(Channel.TEAMS, as_json(status, error), to=to, why=why)
