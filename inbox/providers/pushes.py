"""Push notifications to phones: ntfy and Pushover."""

import re
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import Any, Final
from uuid import uuid4

from inbox.fields import first_line, objects_of, text_of, texts_of
from inbox.providers.provider import Context, Receipt
from inbox.wire import Answer, Request, Unreadable, as_json
from opsknight.directory.receivers import Channel

_PRIORITIES: Final = {
    **{str(number): number for number in range(1, 6)},
    "min": 1,
    "low": 2,
    "default": 3,
    "high": 4,
    "max": 5,
    "urgent": 5,
}
_NTFY_LONGEST: Final = 4096
"""Bytes. ntfy turns a longer message into an attachment, which no lock screen shows."""


class _Refusal(Exception):
    def __init__(self, why: str, code: int = 40000, status: int = 400) -> None:
        super().__init__(why)
        self.code, self.status = code, status


def ntfy(request: Request, context: Context) -> Receipt:
    """Text with headers, posted to a topic, or JSON, posted to the root: https://docs.ntfy.sh."""
    try:
        payload = read_ntfy(request)
        _check_ntfy(payload)
    except _Refusal as refusal:
        why = f"invalid request: {refusal}"
        error = {"code": refusal.code, "http": refusal.status, "error": why}
        return Receipt(Channel.NTFY, as_json(refusal.status, error), why=why)
    made = {
        "id": f"local{context.mailbox.ticket():07d}",
        "time": int(context.mailbox.now().timestamp()),
        "event": "message",
        **payload,
    }
    message = payload["message"]
    return Receipt(
        Channel.NTFY,
        as_json(200, made),
        to=payload["topic"],
        title=payload["title"] or first_line(message),
        text=message,
    )


def read_ntfy(request: Request) -> dict[str, Any]:
    """The fields topic, title, message, priority, tags, click and actions, from either form."""
    topic = request.path.removeprefix("/ntfy").strip("/")
    if not topic:
        try:
            payload = request.json()
        except Unreadable:
            raise _Refusal("request body must be message JSON", 40017) from None
        return {
            "topic": text_of(payload.get("topic")),
            "title": text_of(payload.get("title")),
            "message": text_of(payload.get("message")),
            "priority": payload.get("priority", 3),
            "tags": texts_of(payload.get("tags")),
            "click": text_of(payload.get("click")),
            "actions": objects_of(payload.get("actions")),
        }
    priority = _named(request, "priority", "prio", "p") or "3"
    return {
        "topic": topic,
        "title": _named(request, "title", "t"),
        "message": request.body.decode(errors="replace") or _named(request, "message", "m"),
        "priority": _PRIORITIES.get(priority.lower(), priority),
        "tags": [tag.strip() for tag in _named(request, "tags", "tag", "ta").split(",") if tag],
        "click": _named(request, "click"),
        "actions": _actions(_named(request, "actions", "action")),
    }


def pushover(request: Request, _context: Context) -> Receipt:
    """https://pushover.net/api."""
    number = str(uuid4())
    try:
        payload = request.fields()
    except Unreadable as fault:
        return _pushover_refused(number, {"message": "cannot be blank"}, [str(fault)])
    wrong: dict[str, str] = {}
    for name, what in (("token", "application token"), ("user", "user identifier")):
        if not re.fullmatch(r"[A-Za-z0-9]{30}", str(payload.get(name, ""))):
            wrong[name] = f"{what} is invalid"
    if not str(payload.get("message", "")).strip():
        wrong["message"] = "message cannot be blank"
    for name, most in (("message", 1024), ("title", 250), ("url", 512), ("url_title", 100)):
        if len(str(payload.get(name, ""))) > most:
            wrong[name] = f"{name} is too long: at most {most} characters"
    priority = str(payload.get("priority", "0"))
    if priority not in {"-2", "-1", "0", "1", "2"}:
        wrong["priority"] = "priority is invalid"
    if priority == "2":
        if not _whole(payload.get("retry")) >= 30:
            wrong["retry"] = "retry must be supplied and at least 30 with priority=2"
        if not 0 < _whole(payload.get("expire")) <= 10_800:
            wrong["expire"] = "expire must be supplied and at most 10800 with priority=2"
    if wrong:
        return _pushover_refused(number, dict.fromkeys(wrong, "invalid"), list(wrong.values()))
    answer = {"status": 1, "request": number}
    if priority == "2":
        answer["receipt"] = uuid4().hex[:30]
    message = str(payload["message"])
    return Receipt(
        Channel.PUSHOVER,
        as_json(200, answer),
        to=str(payload["user"]),
        title=str(payload.get("title", "")) or first_line(message),
        text=message,
    )


def called_off(request: Request, _context: Context) -> Receipt:
    """https://pushover.net/api/receipts#cancel. Nobody hears of it, so nothing is shown."""
    number = str(uuid4())
    try:
        token = str(request.fields().get("token", ""))
    except Unreadable:
        token = ""
    if not re.fullmatch(r"[A-Za-z0-9]{30}", token):
        said = ["application token is invalid"]
        return _pushover_refused(number, {"token": "invalid"}, said)
    return Receipt(Channel.PUSHOVER, as_json(200, {"status": 1, "canceled": 1, "request": number}))


def _check_ntfy(payload: dict[str, Any]) -> None:
    if not re.fullmatch(r"[-_A-Za-z0-9]{1,64}", payload["topic"]):
        raise _Refusal("topic invalid", 40009)
    if payload["priority"] not in range(1, 6):
        raise _Refusal("priority invalid", 40007)
    if len(payload["message"].encode()) > _NTFY_LONGEST:
        raise _Refusal("message too large: it would become an attachment", 41301, 413)
    actions = payload["actions"]
    if len(actions) > 3:
        raise _Refusal("actions invalid, too many actions, only 3 allowed", 40018)
    for action in actions:
        if action.get("action") not in {"view", "broadcast", "http", "copy"}:
            raise _Refusal("actions invalid, action must be view, broadcast, http or copy", 40018)
        if not text_of(action.get("label")):
            raise _Refusal("actions invalid, parameter 'label' is required", 40018)
        if action["action"] in {"view", "http"} and not text_of(action.get("url")):
            raise _Refusal("actions invalid, parameter 'url' is required", 40018)


def _named(request: Request, *names: str) -> str:
    """The parameter, from a header with or without `X-`, or from the query."""
    for name in names:
        for value in (request.headers.get(f"x-{name}"), request.headers.get(name)):
            if value is not None:
                return _decoded(value)
        if name in request.query:
            return request.query[name]
    return ""


def _decoded(value: str) -> str:
    """Headers are ASCII, so other letters are encoded by RFC 2047, or are raw UTF-8."""
    if "=?" in value:
        try:
            return str(make_header(decode_header(value)))
        except (HeaderParseError, LookupError, ValueError):
            return value
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def _actions(text: str) -> list[dict[str, Any]]:
    """Parses the short form: `view, Open, https://..., clear=true; http, ...`."""
    actions = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        words = [word.strip() for word in part.split(",")]
        named = dict(word.split("=", 1) for word in words if re.match(r"[a-z.]+=", word))
        plain = [word for word in words if not re.match(r"[a-z.]+=", word)]
        actions.append(dict(zip(("action", "label", "url"), plain, strict=False)) | named)
    return actions


def _whole(value: Any) -> int:
    return int(str(value)) if str(value).isascii() and str(value).isdigit() else -1


def _pushover_refused(number: str, fields: dict[str, str], errors: list[str]) -> Receipt:
    said = {**fields, "errors": errors, "status": 0, "request": number}
    answer: Answer = as_json(400, said)
    return Receipt(Channel.PUSHOVER, answer, why="; ".join(errors))
