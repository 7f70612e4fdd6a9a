"""Telegram's Bot API: `sendMessage` and `editMessageText`."""

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any, Final

from inbox.fields import first_line, object_of, objects_of, text_of
from inbox.providers.provider import Context, Receipt
from inbox.wire import Answer, Request, Unreadable, as_json, read_object
from opsknight.directory.receivers import Channel

_LONGEST: Final = 4096
"""Characters, without formatting: https://core.telegram.org/bots/api#sendmessage"""
_TAGS: Final = {
    "a",
    "b",
    "blockquote",
    "code",
    "del",
    "em",
    "i",
    "ins",
    "pre",
    "s",
    "span",
    "strike",
    "strong",
    "tg-emoji",
    "tg-spoiler",
    "u",
}


class _Refusal(Exception):
    def __init__(self, why: str, status: int = 400) -> None:
        super().__init__(why)
        self.status = status


def telegram(request: Request, context: Context) -> Receipt:
    """Answers errors with `ok: false`, a status and a description."""
    try:
        found = re.fullmatch(r"/telegram/bot([^/]*)/(\w+)", request.path)
        if not found or found[2].lower() not in {"sendmessage", "editmessagetext"}:
            raise _Refusal("Not Found", 404)
        if not re.fullmatch(r"\d+:[\w-]{10,}", found[1]):
            raise _Refusal("Unauthorized", 401)
        try:
            payload = request.fields()
        except Unreadable as fault:
            raise _Refusal(f"Bad Request: {fault}") from None
        _check(payload)
        chat = str(payload["chat_id"])
        number: object = context.mailbox.ticket()
        if found[2].lower() == "editmessagetext":
            number = payload.get("message_id")
            if not context.mailbox.edits(f"telegram:{chat}:{number}"):
                raise _Refusal("Bad Request: message to edit not found")
    except _Refusal as refusal:
        error = {"ok": False, "error_code": refusal.status, "description": str(refusal)}
        return Receipt(Channel.TELEGRAM, as_json(refusal.status, error), why=str(refusal))
    text = _plain(payload)
    answer: Answer = as_json(
        200,
        {
            "ok": True,
            "result": {
                "message_id": number,
                "date": int(context.mailbox.now().timestamp()),
                "chat": {"id": payload["chat_id"], "type": "private"},
                "text": text,
            },
        },
    )
    return Receipt(
        Channel.TELEGRAM,
        answer,
        to=chat,
        title=first_line(text),
        text=text,
        thread=f"telegram:{chat}:{number}",
    )


def keyboard(payload: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """The rows of buttons below a message."""
    markup = payload.get("reply_markup")
    if isinstance(markup, str):
        # A form has the keyboard as JSON in a field.
        try:
            markup = read_object(markup.encode())
        except Unreadable:
            raise _Refusal("Bad Request: can't parse reply keyboard markup JSON object") from None
    rows = object_of(markup).get("inline_keyboard")
    return [objects_of(row) for row in rows] if isinstance(rows, list) else []


def _check(payload: dict[str, Any]) -> None:
    if not str(payload.get("chat_id") or ""):
        raise _Refusal("Bad Request: chat_id is empty")
    mode = text_of(payload.get("parse_mode")).lower()
    if mode not in {"", "html", "markdown", "markdownv2"}:
        raise _Refusal("Bad Request: unsupported parse_mode")
    if mode == "html":
        parser = _Tags()
        parser.feed(text_of(payload.get("text")))
        parser.close()
        if parser.open:
            tag = parser.open[-1]
            raise _Refusal(f"Bad Request: can't parse entities: Can't find end tag of \"{tag}\"")
    if mode == "markdownv2" and re.search(r"(?<!\\)[.!=+#{}-]", _outside(payload)):
        raise _Refusal("Bad Request: can't parse entities: a reserved character is not escaped")
    text = _plain(payload)
    if not text.strip():
        raise _Refusal("Bad Request: message text is empty")
    if len(text) > _LONGEST:
        raise _Refusal("Bad Request: message is too long")
    for row in keyboard(payload):
        for button in row:
            ways = [name for name in ("url", "callback_data", "web_app") if button.get(name)]
            if not text_of(button.get("text")) or len(ways) != 1:
                raise _Refusal("Bad Request: can't parse inline keyboard button")
            if len(text_of(button.get("callback_data")).encode()) > 64:
                raise _Refusal("Bad Request: BUTTON_DATA_INVALID")


def _plain(payload: dict[str, Any]) -> str:
    text = text_of(payload.get("text"))
    match text_of(payload.get("parse_mode")).lower():
        case "html":
            return unescape(re.sub(r"<[^>]*>", "", text))
        case "markdownv2":
            text = re.sub(r"\[((?:\\.|[^\]\\])*)\]\(((?:\\.|[^)\\])*)\)", r"\1", text)
            return re.sub(r"\\(.)|[*_~`|]", lambda found: found[1] or "", text)
        case _:
            return text


def _outside(payload: dict[str, Any]) -> str:
    """The text without code and link addresses, in which fewer characters must be escaped."""
    text = re.sub(r"(?s)```.*?```|`[^`]*`", "", text_of(payload.get("text")))
    return re.sub(r"\]\(((?:\\.|[^)\\])*)\)", "]", text)


class _Tags(HTMLParser):
    """Raises `_Refusal` at the first tag that Telegram does not know, or that closes none."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS:
            raise _Refusal(f'Bad Request: can\'t parse entities: Unsupported start tag "{tag}"')
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise _Refusal(f'Bad Request: can\'t parse entities: Unexpected end tag "{tag}"')
