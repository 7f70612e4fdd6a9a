"""Slack: `chat.postMessage` and `chat.update` of the Web API, and incoming webhooks."""

from typing import Any

from inbox.providers.blocks import faults
from inbox.providers.reading import Desk, Reading, first_line, inner, listed, told
from inbox.wire import Answer, Request, Unreadable, as_json, as_text
from opsknight.directory.receivers import Channel

_LONGEST = 40_000
"""Characters of `text`; Slack refuses more."""


def web_api(request: Request, desk: Desk) -> Reading:
    """Whatever is wrong is a 200 with `ok: false`, as Slack has it."""
    method = request.path.rpartition("/")[2]
    try:
        if method not in {"chat.postMessage", "chat.update"}:
            raise _Refusal("unknown_method")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            raise _Refusal("not_authed")
        if not token.startswith("xox"):
            raise _Refusal("invalid_auth")
        if request.media_type != "application/json":
            raise _Refusal("invalid_post_type")
        try:
            asked = request.json()
        except Unreadable:
            raise _Refusal("invalid_json") from None
        channel = told(asked.get("channel"))
        if not channel:
            raise _Refusal("channel_not_found")
        _check(asked)
        if method == "chat.update":
            ts = told(asked.get("ts"))
            if not ts or not desk.mailbox.edits(_thread(channel, ts)):
                raise _Refusal("message_not_found")
        else:
            ts = f"{int(desk.mailbox.now().timestamp())}.{desk.mailbox.ticket():06d}"
    except _Refusal as refusal:
        said: dict[str, Any] = {"ok": False, "error": refusal.error}
        if refusal.messages:
            said["response_metadata"] = {"messages": refusal.messages}
        return Reading(Channel.SLACK, as_json(200, said), why=str(refusal))
    answer = {
        "ok": True,
        "channel": channel,
        "ts": ts,
        "message": {"type": "message", "text": told(asked.get("text")), "ts": ts},
    }
    text = words(asked)
    return Reading(
        Channel.SLACK,
        as_json(200, answer),
        to=channel,
        title=unescaped(told(asked.get("text"))) or first_line(text),
        text=text,
        thread=_thread(channel, ts),
    )


def webhook(request: Request, _desk: Desk) -> Reading:
    """Plain words: `ok`, or what is wrong."""
    to = request.path
    try:
        asked = request.json()
        _check(asked)
    except Unreadable:
        return _refused("invalid_payload", to)
    except _Refusal as refusal:
        return _refused(str(refusal), to, as_text(400, refusal.error))
    text = words(asked)
    return Reading(
        Channel.SLACK_WEBHOOK,
        as_text(200, "ok"),
        to=to,
        title=unescaped(told(asked.get("text"))) or first_line(text),
        text=text,
    )


def words(asked: dict[str, Any]) -> str:
    """Everything in it that can be read, a line each."""
    lines = [told(asked.get("text"))]
    for block in listed(asked.get("blocks")):
        lines += _words_of(block)
    for attachment in listed(asked.get("attachments")):
        for name in ("pretext", "title", "text"):
            lines.append(told(attachment.get(name)))
        for field in listed(attachment.get("fields")):
            lines.append(f"{told(field.get('title'))}: {told(field.get('value'))}")
        for block in listed(attachment.get("blocks")):
            lines += _words_of(block)
        lines.append(told(attachment.get("footer")))
    return "\n".join(line for line in lines if line)


def unescaped(text: str) -> str:
    """Slack escapes these three, and only these."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


class _Refusal(Exception):
    def __init__(self, error: str, messages: list[str] | None = None) -> None:
        super().__init__("; ".join([error, *(messages or [])]))
        self.error, self.messages = error, messages or []


def _check(asked: dict[str, Any]) -> None:
    if not any(asked.get(name) for name in ("text", "blocks", "attachments")):
        raise _Refusal("no_text")
    if len(told(asked.get("text"))) > _LONGEST:
        raise _Refusal("msg_too_long")
    attachments = asked.get("attachments", [])
    if not isinstance(attachments, list) or len(attachments) > 100:
        raise _Refusal("too_many_attachments")
    wrong = list(faults(asked["blocks"])) if "blocks" in asked else []
    for index, attachment in enumerate(listed(attachments)):
        if "blocks" in attachment:
            found = faults(attachment["blocks"])
            wrong += [f"[attachment {index}] {fault}" for fault in found]
    if wrong:
        raise _Refusal("invalid_blocks", [f"[ERROR] {fault}" for fault in wrong])


def _words_of(block: dict[str, Any]) -> list[str]:
    lines = [told(inner(block.get("text")).get("text")) or told(block.get("text"))]
    lines += [told(it.get("text")) for it in listed(block.get("fields"))]
    for it in listed(block.get("elements")):
        lines.append(told(it.get("text")) or told(inner(it.get("text")).get("text")))
        if it.get("url"):
            lines.append(told(it.get("url")))
    return lines


def _thread(channel: str, ts: str) -> str:
    return f"slack:{channel}:{ts}"


def _refused(why: str, to: str, answer: Answer | None = None) -> Reading:
    return Reading(Channel.SLACK_WEBHOOK, answer or as_text(400, why), to=to, why=why)
