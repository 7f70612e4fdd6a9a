"""SMS, phone calls, and the push notifications of ntfy and Pushover."""

import re
from html import unescape
from typing import Any, Final

from inbox.fields import text_of
from inbox.looks import formats
from inbox.looks.markup import Html, button, el, icon, link
from inbox.mailbox import Message
from inbox.providers.aws import is_ssml
from inbox.providers.pushes import read_ntfy
from inbox.providers.twilio import PLACE, form_of
from inbox.wire import Request, read_object

_GSM_7: Final = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_7_TWICE: Final = set("^{}\\[~]|€")
"""These take two places each (3GPP TS 23.038)."""

_NTFY_PRIORITIES: Final = {
    1: ("lowest", "no sound, out of sight"),
    2: ("low", "no sound"),
    3: ("default", "sound"),
    4: ("high", "long sound, pops up"),
    5: ("highest", "long sound, pops up, breaks through Do Not Disturb where allowed"),
}
_PUSHOVER_PRIORITIES: Final = {
    "-2": ("lowest", "no notification, only in the app"),
    "-1": ("low", "no sound"),
    "0": ("normal", "sound; quiet in quiet hours"),
    "1": ("high", "breaks through quiet hours"),
    "2": ("emergency", "breaks through, and sounds again until somebody acknowledges"),
}


def _phone(message: Message) -> dict[str, Any]:
    """The fields of a text message or a call by AWS; one by Twilio in the same words."""
    if not message.path.startswith(PLACE):
        return read_object(message.body)
    form = form_of(message.body)
    said = form.get("Twiml") or form.get("Body", "")
    kind = "SSML" if "Twiml" in form else "TEXT"
    return {
        "OriginationIdentity": form.get("From", ""),
        "MessageBody": said,
        "MessageBodyTextType": kind,
        "VoiceId": "Polly.Matthew",
    }


def sms(message: Message) -> Html:
    payload = _phone(message)
    text = text_of(payload.get("MessageBody"))
    parts, coding, weird = segments(text)
    figures = f"{parts} SMS · {len(text)} characters · {coding}"
    return el(
        "div",
        el(
            "div",
            el("div", _initials(payload), class_="phone-who"),
            el(
                "div",
                text_of(payload.get("OriginationIdentity")) or "OpsKnight",
                class_="phone-name",
            ),
            class_="phone-top",
        ),
        el("div", _time(message), class_="phone-day"),
        el("div", formats.plain(text), class_="bubble"),
        el("div", f"to {message.to}", class_="phone-note"),
        el("div", figures, class_="phone-note"),
        el("div", f"Letters that force UCS-2: {' '.join(weird)}", class_="phone-note")
        if weird
        else None,
        class_="phone",
    )


def segments(text: str) -> tuple[int, str, list[str]]:
    """The number of SMS that are billed, the encoding, and the letters that force UCS-2."""
    weird = sorted(set(text) - _GSM_7 - _GSM_7_TWICE)
    if weird:
        size, one, many, coding = len(text.encode("utf-16-le")) // 2, 70, 67, "UCS-2"
    else:
        size = sum(2 if letter in _GSM_7_TWICE else 1 for letter in text)
        one, many, coding = 160, 153, "GSM-7"
    return (1 if size <= one else -(-size // many)), coding, weird[:10]


def voice(message: Message) -> Html:
    payload = _phone(message)
    text = text_of(payload.get("MessageBody"))
    spoken = _spoken(text) if is_ssml(payload) else el("p", text)
    said = len(re.sub(r"<[^>]*>", " ", text).split())
    return el(
        "div",
        el(
            "div",
            el("div", icon("voice"), class_="call-sign"),
            el("div", message.to, class_="phone-name"),
            el(
                "div",
                f"call from {text_of(payload.get('OriginationIdentity'))}",
                class_="phone-note",
            ),
            class_="phone-top",
        ),
        el("div", spoken, class_="call-words"),
        el(
            "div",
            f"{said} words, about {max(1, round(said / 2.5))} s · voice "
            f"{text_of(payload.get('VoiceId')) or 'MATTHEW'}",
            class_="phone-note",
        ),
        class_="phone call",
    )


def _spoken(text: str) -> Html:
    """SSML as a listener hears it, with the pauses shown."""
    parts: list[str] = []
    for piece in re.split(r"(<[^>]*>)", text):
        if not piece.startswith("<"):
            parts.append(unescape(piece))
        elif found := re.match(r"<break\b[^>]*?(?:time|strength)\s*=\s*[\"']([^\"']*)", piece):
            parts.append(el("span", f"pause {found[1]}", class_="pause"))
        elif found := re.match(r"<Pause\b[^>]*?length\s*=\s*[\"'](\d+)", piece):
            parts.append(el("span", f"pause {found[1]}s", class_="pause"))
        elif piece == "</Gather>":
            parts.append(el("span", "waits for a key", class_="pause"))
        elif re.match(r"</(p|s|Say)\b", piece):
            parts.append(el("br"))
    return el("p", *parts)


def ntfy(message: Message) -> Html:
    request = Request(message.method, message.path, {}, message.headers, message.body)
    payload = read_ntfy(request)
    named = [(tag, formats.emoji(tag)) for tag in payload["tags"]]
    signs = "".join(sign for _, sign in named if sign)
    plain = [tag for tag, sign in named if not sign]
    is_marked = message.headers.get("markdown", message.headers.get("x-markdown", "")) in {
        "1",
        "yes",
        "true",
    }
    actions = [
        button(
            text_of(each.get("label")), text_of(each.get("url")), title=f"{each.get('method', '')}"
        )
        for each in payload["actions"]
    ]
    priority = payload["priority"]
    name, effect = _NTFY_PRIORITIES.get(priority, ("?", "")) if _is_int(priority) else ("?", "")
    return _notification(
        message,
        app=f"ntfy · {payload['topic']}",
        title=f"{signs} {payload['title']}".strip(),
        words=formats.markdown(payload["message"])
        if is_marked
        else formats.plain(payload["message"]),
        level=f"p{priority}" if _is_int(priority) else "p3",
        priority=f"priority {priority} ({name}): {effect}",
        rest=[
            el("div", *(el("span", tag, class_="tag") for tag in plain)) if plain else None,
            el("div", *actions, class_="actions") if actions else None,
            _opens(payload["click"]),
        ],
    )


def pushover(message: Message) -> Html:
    request = Request(message.method, message.path, {}, message.headers, message.body)
    payload = {name: str(value) for name, value in request.fields().items()}
    priority = payload.get("priority", "0")
    name, effect = _PUSHOVER_PRIORITIES.get(priority, ("?", ""))
    if priority == "2":
        effect += f" (every {payload.get('retry', '?')} s for {payload.get('expire', '?')} s)"
    text = payload.get("message", "")
    words = formats.html(text) if payload.get("html") == "1" else formats.plain(text)
    url = payload.get("url", "")
    return _notification(
        message,
        app="Pushover",
        title=payload.get("title", ""),
        words=words,
        level={"2": "p5", "1": "p4", "-1": "p2", "-2": "p1"}.get(priority, "p3"),
        priority=f"priority {priority} ({name}): {effect}",
        rest=[
            el("div", link(url, payload.get("url_title") or url), class_="opens") if url else None,
            el("div", f"sound: {payload['sound']}", class_="quiet") if "sound" in payload else None,
        ],
    )


def _notification(
    message: Message,
    *,
    app: str,
    title: str,
    words: Html,
    level: str,
    priority: str,
    rest: list[Html | None],
) -> Html:
    return el(
        "div",
        el("div", _time(message), class_="lock-time"),
        el(
            "div",
            el(
                "div",
                el("span", icon(message.channel.value), class_="badge"),
                el("span", app, class_="push-app"),
                class_="push-top",
            ),
            el("div", title, class_="push-title") if title else None,
            el("div", words, class_="push-words"),
            *rest,
            class_=f"push {level}",
        ),
        el("div", priority, class_="phone-note"),
        class_="phone lock",
    )


def _opens(url: str) -> Html | None:
    return el("div", "a tap opens ", link(url), class_="opens quiet") if url else None


def _time(message: Message) -> Html:
    at = message.at.isoformat()
    return el("time", at, datetime=at, class_="clock")


def _initials(payload: dict[str, Any]) -> str:
    name = text_of(payload.get("OriginationIdentity"))
    return name[:1].upper() if name[:1].isalpha() else "#"


def _is_int(value: object) -> bool:
    return isinstance(value, int)
