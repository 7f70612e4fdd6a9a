"""What the inbox offers to people and tests: the page, the messages as JSON, and `/_control`."""

import json
import re
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from inbox.looks import look, mail_html
from inbox.mailbox import Mailbox
from inbox.scripts import Control, Scripts
from inbox.wire import Answer, Request, as_json

_PAGE: Final = Path(__file__).with_name("page")
_FILES: Final = {
    "/": ("inbox.html", "text/html; charset=utf-8"),
    "/_page/inbox.css": ("inbox.css", "text/css; charset=utf-8"),
    "/_page/inbox.js": ("inbox.js", "text/javascript; charset=utf-8"),
}

_LONGEST_WAIT: Final = 25.0
"""Seconds that `GET /_messages` waits at most, whatever it is asked for."""

_COMMON: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:;"
    " frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_MAIL_POLICY: Final = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none';"
    " style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'self'"
)
"""Like a mail client: styles, but no scripts, and no request that would report the mail as read."""


def is_for_site(request: Request) -> bool:
    """Whether the request is for the site, and not for a provider."""
    is_page = request.path == "/" and request.method in {"GET", "HEAD"}
    return is_page or request.path.startswith("/_")


class Site:
    def __init__(self, mailbox: Mailbox, scripts: Scripts) -> None:
        self._mailbox = mailbox
        self._scripts = scripts

    def answer(self, request: Request) -> Answer:
        if not _is_local(request.headers.get("host", "")):
            # A foreign web page whose host name resolves to this machine could read the links in
            # messages, which let people act (DNS rebinding).
            return _error(403, "Use the host name 127.0.0.1 or localhost.")
        found = re.fullmatch(r"/_messages/(\d{1,15})(/look|/mail)?", request.path)
        match request.method:
            case "GET" | "HEAD" if request.path in _FILES:
                name, kind = _FILES[request.path]
                headers = _COMMON | {"Content-Type": kind, "Content-Security-Policy": _PAGE_POLICY}
                return Answer(200, (_PAGE / name).read_bytes(), headers)
            case "GET" if request.path == "/_messages":
                return self._list(request)
            case "GET" if found:
                return self._one(int(found[1]), found[2])
            case "DELETE" if request.path == "/_messages":
                self._mailbox.clear()
                return Answer(204)
            case "POST" if request.path == "/_control":
                return self._control(request)
            case "DELETE" if request.path == "/_control":
                self._scripts.clear()
                return Answer(204)
            case _:
                return _error(404, f"There is no {request.method} {request.path}.")

    def _list(self, request: Request) -> Answer:
        try:
            after = int(request.query.get("after", "0"))
            wait = float(request.query.get("wait", "0"))
        except ValueError:
            return _error(400, "`after` and `wait` must be numbers.")
        # The comparison is false for "nan", which must not wait.
        wait = min(wait, _LONGEST_WAIT) if wait > 0 else 0
        name = request.query.get("box", "")
        messages = self._mailbox.after(after, name=name, wait=wait)
        listed = [message.as_json() for message in messages]
        if request.query.get("brief"):
            for each in listed:
                for long in ("body", "headers", "text"):
                    del each[long]
        return as_json(200, {"box": self._mailbox.name, "messages": listed}, _COMMON)

    def _one(self, number: int, part: str | None) -> Answer:
        message = self._mailbox.get(number)
        if message is None:
            return _error(404, "This message is no longer here.")
        if part is None:
            return as_json(200, message.as_json(), _COMMON)
        html = {"Content-Type": "text/html; charset=utf-8"}
        if part == "/mail":
            policy = {"Content-Security-Policy": _MAIL_POLICY}
            return Answer(200, mail_html(message).encode(), _COMMON | html | policy)
        policy = {"Content-Security-Policy": _PAGE_POLICY}
        drawn = look(message, self._mailbox.edits(message.thread))
        return Answer(200, drawn.encode(), _COMMON | html | policy)

    def _control(self, request: Request) -> Answer:
        if request.media_type != "application/json":
            # A foreign web page cannot send this type here.
            return _error(415, "The content type must be application/json.")
        try:
            self._scripts.set(Control.model_validate_json(request.body))
        except ValidationError as fault:
            return _error(400, json.loads(fault.json(include_url=False)))
        return Answer(204)


def _error(status: int, error: object) -> Answer:
    return as_json(status, {"error": error}, _COMMON)


def _is_local(host: str) -> bool:
    return re.fullmatch(r"(127\.0\.0\.1|localhost|\[::1\])(:\d+)?", host) is not None
