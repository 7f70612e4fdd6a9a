"""Webhooks, and for every message the HTTP request: its headers and body."""

import json
import re
from typing import Final

from inbox.looks.markup import Html, el, together
from inbox.mailbox import Message
from inbox.wire import Unreadable, read_object

_TOKENS: Final = re.compile(
    r'(?P<key>"(?:\\.|[^"\\])*"(?=\s*:))|(?P<text>"(?:\\.|[^"\\])*")'
    r"|(?P<number>-?\d[\d.eE+-]*)|(?P<word>\b(?:true|false|null)\b)"
)
_OURS: Final = ("event", "delivery", "timestamp")


def webhook(message: Message) -> Html:
    named = [
        (name, message.headers.get(f"x-opsknight-{name}", ""))
        for name in _OURS
        if f"x-opsknight-{name}" in message.headers
    ]
    sequence = read_object(message.body).get("sequence")
    if isinstance(sequence, int | str):
        named.append(("sequence", str(sequence)))
    signature = message.notes.get("signature", "")
    rows = [el("tr", el("th", name), el("td", value)) for name, value in named]
    if signature:
        class_ = {"right": "good", "wrong": "bad", "missing": "bad"}.get(signature, "quiet")
        rows.append(el("tr", el("th", "signature"), el("td", signature, class_=class_)))
    return el(
        "div",
        el("table", *rows, class_="facts") if rows else None,
        pretty(message.body),
        class_="webhook",
    )


def request(message: Message) -> Html:
    """The HTTP request, folded."""
    rows = [el("tr", el("th", name), el("td", value)) for name, value in message.headers.items()]
    return el(
        "details",
        el("summary", f"{message.method} {message.path}"),
        el("table", *rows, class_="facts"),
        pretty(message.body),
        el("p", "The body was longer; the rest was not kept.", class_="quiet")
        if message.cut
        else None,
        class_="request",
    )


def pretty(body: bytes) -> Html:
    """JSON indented and coloured, or any other text unchanged."""
    try:
        text = json.dumps(read_object(body), indent=2, ensure_ascii=False)
    except Unreadable:
        return el("pre", body.decode(errors="replace"), class_="json")
    parts: list[str] = []
    done = 0
    for found in _TOKENS.finditer(text):
        kind = el("span", found[0], class_=f"json-{found.lastgroup}")
        parts += [text[done : found.start()], kind]
        done = found.end()
    return el("pre", together([*parts, text[done:]]), class_="json")
