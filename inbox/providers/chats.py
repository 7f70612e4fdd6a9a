"""Teams, Discord and Google Chat: webhooks that take cards."""

import re
from typing import Any, Final

from inbox.fields import first_line, object_of, objects_of, text_of
from inbox.providers.aws import without_tags
from inbox.providers.provider import Context, Receipt
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


def teams(request: Request, _context: Context) -> Receipt:
    """A Workflows webhook: takes a message with adaptive cards, and answers an empty 202."""
    to = request.path
    if len(request.body) > _TEAMS_MOST:
        return _teams_refused(to, 413, "RequestEntityTooLarge", "the message is over 28 KB")
    try:
        payload = request.json()
    except Unreadable as fault:
        return _teams_refused(to, 400, "InvalidRequestContent", str(fault))
    cards = [
        object_of(each.get("content"))
        for each in objects_of(payload.get("attachments"))
        if each.get("contentType") == _ADAPTIVE
    ]
    if payload.get("type") != "message" or not cards:
        why = "the body must be of type message and have an adaptive card attached"
        return _teams_refused(to, 400, "BadRequest", why)
    for card in cards:
        if card.get("type") != "AdaptiveCard" or not text_of(card.get("version")):
            why = "the content must be an AdaptiveCard with a version"
            return _teams_refused(to, 400, "BadRequest", why)
    text = "\n".join(_words(cards))
    title = text_of(payload.get("summary")) or _largest(cards[0]) or first_line(text)
    return Receipt(Channel.TEAMS, Answer(202), to=to, title=title, text=text)


def discord(request: Request, context: Context) -> Receipt:
    """Answers an empty 204, or the message if the query has `wait=true`."""
    to = request.path
    try:
        payload = request.json()
    except Unreadable as fault:
        error = {"message": "The request body contains invalid JSON.", "code": 50109}
        return Receipt(Channel.DISCORD, as_json(400, error), to=to, why=str(fault))
    content, embeds = text_of(payload.get("content")), objects_of(payload.get("embeds"))
    if not content and not embeds:
        error = {"message": "Cannot send an empty message", "code": 50006}
        return Receipt(Channel.DISCORD, as_json(400, error), to=to, why=str(error["message"]))
    wrong = _discord_faults(payload)
    if wrong:
        error = {"message": "Invalid Form Body", "code": 50035, "errors": wrong}
        why = "; ".join(f"{name}: {fault}" for name, fault in wrong.items())
        return Receipt(Channel.DISCORD, as_json(400, error), to=to, why=why)
    lines = [content]
    for embed in embeds:
        lines += [text_of(embed.get("title")), text_of(embed.get("description"))]
        for field in objects_of(embed.get("fields")):
            lines.append(f"{text_of(field.get('name'))}: {text_of(field.get('value'))}")
        lines.append(text_of(object_of(embed.get("footer")).get("text")))
    text = "\n".join(line for line in lines if line)
    # A backslash escapes a formatting character.
    shown = content or text_of(next(iter(embeds), {}).get("title"))
    title = re.sub(r"\\([^\w\s])", r"\1", shown)
    answer = Answer(204)
    if request.query.get("wait") == "true":
        answer = as_json(200, {"id": str(context.mailbox.ticket()), "content": content})
    return Receipt(Channel.DISCORD, answer, to=to, title=title or first_line(text), text=text)


def google_chat(request: Request, context: Context) -> Receipt:
    """Answers with the created message."""
    to = request.path
    why = ""
    payload: dict[str, Any] = {}
    try:
        payload = request.json()
    except Unreadable as fault:
        why = f"Invalid JSON payload received: {fault}"
    unknown = payload.keys() - _GOOGLE_KNOWN
    cards = [object_of(each.get("card")) for each in objects_of(payload.get("cardsV2"))]
    if unknown:
        why = f'Invalid JSON payload received. Unknown name "{min(unknown)}": Cannot find field.'
    elif len(request.body) > _GOOGLE_MOST:
        why = "Message is too long: at most 32,000 bytes."
    elif not why and not text_of(payload.get("text")) and not cards:
        why = "Message cannot be empty."
    elif not why and not all(card.get("sections") or card.get("header") for card in cards):
        why = "A card needs a header or sections."
    if why:
        error = {"error": {"code": 400, "message": why, "status": "INVALID_ARGUMENT"}}
        return Receipt(Channel.GOOGLE_CHAT, as_json(400, error), to=to, why=why)
    text = "\n".join([*filter(None, [text_of(payload.get("text"))]), *_words(cards)])
    # The header of a card may say little; the first words below it say more.
    below = [without_tags(first_line("\n".join(_words(card.get("sections"))))) for card in cards]
    title = next(filter(None, [text_of(payload.get("text")).replace("*", ""), *below]), "")
    made = {"name": f"spaces/LOCAL/messages/{context.mailbox.ticket()}", **payload}
    return Receipt(Channel.GOOGLE_CHAT, as_json(200, made), to=to, title=title, text=text)


def _discord_faults(payload: dict[str, Any]) -> dict[str, Any]:
    """The faults by field, named as in Discord's own errors."""
    wrong: dict[str, Any] = {}

    def longest(name: str, value: Any, most: int, *, needed: bool = False) -> int:
        if len(text_of(value)) > most:
            wrong[name] = f"Must be {most} or fewer in length."
        if needed and not text_of(value).strip():
            wrong[name] = "This field is required"
        return len(text_of(value))

    longest("content", payload.get("content"), 2000)
    embeds = objects_of(payload.get("embeds"))
    if len(embeds) > 10:
        wrong["embeds"] = "Must be 10 or fewer in length."
    total = 0
    for index, embed in enumerate(embeds):
        at = f"embeds.{index}"
        for name, most in _EMBED.items():
            total += longest(f"{at}.{name}", embed.get(name), most)
        footer, author = object_of(embed.get("footer")), object_of(embed.get("author"))
        total += longest(f"{at}.footer", footer.get("text"), 2048)
        total += longest(f"{at}.author", author.get("name"), 256)
        fields = objects_of(embed.get("fields"))
        if len(fields) > 25:
            wrong[f"{at}.fields"] = "Must be 25 or fewer in length."
        for number, field in enumerate(fields):
            here = f"{at}.fields.{number}"
            total += longest(f"{here}.name", field.get("name"), 256, needed=True)
            total += longest(f"{here}.value", field.get("value"), 1024, needed=True)
        colour = embed.get("color", 0)
        if not (isinstance(colour, int) and 0 <= colour <= 0xFFFFFF):
            wrong[f"{at}.color"] = "Must be a colour's number."
        if "url" in embed and not text_of(embed["url"]).startswith(("http://", "https://")):
            wrong[f"{at}.url"] = "Not a well formed URL."
    if total > _EMBEDS_MOST:
        wrong["embeds"] = "Embed size exceeds maximum size of 6000"
    return wrong


def _largest(card: dict[str, Any]) -> str:
    """The title of a card: its first large text."""
    large = ("large", "extralarge")
    sized = [it for it in objects_of(card.get("body")) if text_of(it.get("size")).lower() in large]
    return next((text_of(it.get("text")) for it in sized), "")


_READ: Final = ("title", "subtitle", "text", "topLabel", "value", "bottomLabel")


def _words(node: Any) -> list[str]:
    """All readable text of a card, in order."""
    if isinstance(node, list):
        return [line for each in node for line in _words(each)]
    if not isinstance(node, dict):
        return []
    own = [node[name] for name in _READ if text_of(node.get(name))]
    return own + [line for name, each in node.items() if name not in _READ for line in _words(each)]


def _teams_refused(to: str, status: int, code: str, why: str) -> Receipt:
    error = {"error": {"code": code, "message": why}}
    return Receipt(Channel.TEAMS, as_json(status, error), to=to, why=why)
