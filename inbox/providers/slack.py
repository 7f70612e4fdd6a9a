"""Slack: `chat.postMessage` and `chat.update` of the Web API, and incoming webhooks."""

from typing import Any

from inbox.fields import first_line, object_of, objects_of, text_of
from inbox.providers.blocks import faults
from inbox.providers.provider import Context, Receipt
from inbox.wire import Answer, Request, Unreadable, as_json, as_text
from opsknight.directory.receivers import Channel

_LONGEST = 40_000
"""Characters of `text` that Slack accepts at most."""


def web_api(request: Request, context: Context) -> Receipt:
    """Answers every fault with a 200 and `ok: false`, as Slack does."""
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
            payload = request.json()
        except Unreadable:
            raise _Refusal("invalid_json") from None
        channel = text_of(payload.get("channel"))
        if not channel:
            raise _Refusal("channel_not_found")
        _check(payload)
        if method == "chat.update":
            ts = text_of(payload.get("ts"))
            if not ts or not context.mailbox.edits(_thread(channel, ts)):
                raise _Refusal("message_not_found")
        else:
            ts = f"{int(context.mailbox.now().timestamp())}.{context.mailbox.ticket():06d}"
    except _Refusal as refusal:
        said: dict[str, Any] = {"ok": False, "error": refusal.error}
        if refusal.messages:
            said["response_metadata"] = {"messages": refusal.messages}
        return Receipt(Channel.SLACK, as_json(200, said), why=str(refusal))
    answer = {
        "ok": True,
        "channel": channel,
        "ts": ts,
        "message": {"type": "message", "text": text_of(payload.get("text")), "ts": ts},
    }
    text = words(payload)
    return Receipt(
        Channel.SLACK,
        as_json(200, answer),
        to=channel,
        title=unescaped(text_of(payload.get("text"))) or first_line(text),
        text=text,
        thread=_thread(channel, ts),
    )


def webhook(request: Request, _context: Context) -> Receipt:
    """Answers in plain text: `ok`, or an error."""
    to = request.path
    try:
        payload = request.json()
        _check(payload)
    except Unreadable:
        return _refused("invalid_payload", to)
    except _Refusal as refusal:
        return _refused(str(refusal), to, as_text(400, refusal.error))
    text = words(payload)
    return Receipt(
        Channel.SLACK_WEBHOOK,
        as_text(200, "ok"),
        to=to,
        title=unescaped(text_of(payload.get("text"))) or first_line(text),
        text=text,
    )


def words(payload: dict[str, Any]) -> str:
    """All readable text of a message, one line each."""
    lines = [text_of(payload.get("text"))]
    for block in objects_of(payload.get("blocks")):
        lines += _words_of(block)
    for attachment in objects_of(payload.get("attachments")):
        for name in ("pretext", "title", "text"):
            lines.append(text_of(attachment.get(name)))
        for field in objects_of(attachment.get("fields")):
            lines.append(f"{text_of(field.get('title'))}: {text_of(field.get('value'))}")
        for block in objects_of(attachment.get("blocks")):
            lines += _words_of(block)
        lines.append(text_of(attachment.get("footer")))
    return "\n".join(line for line in lines if line)


def unescaped(text: str) -> str:
    """Slack escapes these three characters and no others."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


class _Refusal(Exception):
    def __init__(self, error: str, messages: list[str] | None = None) -> None:
        super().__init__("; ".join([error, *(messages or [])]))
        self.error, self.messages = error, messages or []


def _check(payload: dict[str, Any]) -> None:
    if not any(payload.get(name) for name in ("text", "blocks", "attachments")):
        raise _Refusal("no_text")
    if len(text_of(payload.get("text"))) > _LONGEST:
        raise _Refusal("msg_too_long")
    attachments = payload.get("attachments", [])
    if not isinstance(attachments, list) or len(attachments) > 100:
        raise _Refusal("too_many_attachments")
    wrong = list(faults(payload["blocks"])) if "blocks" in payload else []
    for index, attachment in enumerate(objects_of(attachments)):
        if "blocks" in attachment:
            found = faults(attachment["blocks"])
            wrong += [f"[attachment {index}] {fault}" for fault in found]
    if wrong:
        raise _Refusal("invalid_blocks", [f"[ERROR] {fault}" for fault in wrong])


def _words_of(block: dict[str, Any]) -> list[str]:
    lines = [text_of(object_of(block.get("text")).get("text")) or text_of(block.get("text"))]
    lines += [text_of(it.get("text")) for it in objects_of(block.get("fields"))]
    for it in objects_of(block.get("elements")):
        lines.append(text_of(it.get("text")) or text_of(object_of(it.get("text")).get("text")))
        if it.get("url"):
            lines.append(text_of(it.get("url")))
    return lines


def _thread(channel: str, ts: str) -> str:
    return f"slack:{channel}:{ts}"


def _refused(why: str, to: str, answer: Answer | None = None) -> Receipt:
    return Receipt(Channel.SLACK_WEBHOOK, answer or as_text(400, why), to=to, why=why)
