"""The HTTP server of the inbox. It reads each request whole and passes it to a provider
(`inbox.providers`), whose receipt it keeps, or to the site (`inbox.site`) for people and tests.

Each connection has a thread, because scripted answers may hang for minutes.
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, Self, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from inbox.mailbox import Mailbox, Message
from inbox.providers import provider_of
from inbox.providers.provider import Context, Receipt
from inbox.scripts import Control, Scripted, Scripts
from inbox.site import Site, is_for_site
from inbox.wire import Answer, Request, as_json

_LONGEST: Final = 10 * 1024 * 1024
"""Bytes of a request. SES accepts 40 MB, but no message of ours comes near that."""

_IDLE: Final = 75
"""Seconds before an idle connection is closed."""


class Inbox:
    """Serves while the `with` lasts, and calls `watch` with each message, from another thread."""

    def __init__(
        self,
        listener: socket.socket,
        *,
        mailbox: Mailbox | None = None,
        watch: Callable[[Message], None] = lambda _: None,
    ) -> None:
        host, port = listener.getsockname()
        self.url = f"http://{host}:{port}"
        """The base address, without a slash at its end."""
        self.mailbox = mailbox or Mailbox()
        self.scripts = Scripts()
        self.over = threading.Event()
        self._site = Site(self.mailbox, self.scripts)
        self._watch = watch
        self._server = _Server(listener, self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="inbox"
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.mailbox.close()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def script(self, path: str, *answers: Scripted, repeat: bool = False) -> None:
        """Sets the next answers of that path, as `POST /_control` does (see `Control`)."""
        self.scripts.set(Control(path=path, answers=answers, repeat=repeat))

    def trust(self, path: str, *secrets: str) -> None:
        """Accepts bodies at that path only if they are signed with one of these secrets."""
        self.scripts.set(Control(path=path, secrets=secrets))

    def answer(self, request: Request) -> tuple[Scripted, Answer]:
        """The scripted answer, and the answer to send if the script does not replace it."""
        if is_for_site(request):
            return Scripted(), self._site.answer(request)
        provider = provider_of(request)
        if provider is None:
            fault = f"No provider here answers {request.method} {request.path}."
            return Scripted(), as_json(404, {"error": fault})
        context = Context(self.mailbox, self.scripts.secrets(request.place))
        receipt = provider(request, context)
        scripted = self.scripts.next(request.place)
        if receipt.is_message:
            self._keep(request, receipt, scripted)
        return scripted, receipt.answer

    def _keep(self, request: Request, receipt: Receipt, scripted: Scripted) -> None:
        # The provider's own refusal counts even when a script answers: it says what is wrong with
        # the message.
        why, status = receipt.why, receipt.answer.status
        if scripted.is_answer:
            status = 0 if scripted.close or scripted.garbage else scripted.status or 0
            if not why and not 200 <= status < 300:
                why = _scripted(scripted)
        message = self.mailbox.add(
            channel=receipt.channel,
            to=receipt.to,
            title=receipt.title,
            text=receipt.text,
            status=status or None,
            why=why,
            well_formed=not receipt.why,
            thread=receipt.thread,
            notes=receipt.notes,
            method=request.method,
            path=request.place,
            headers=request.headers,
            body=request.body,
        )
        self._watch(message)


def _scripted(scripted: Scripted) -> str:
    if scripted.close:
        return "the script closed the connection"
    return "the script sent garbage" if scripted.garbage else f"the script sent {scripted.status}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, listener: socket.socket, inbox: Inbox) -> None:
        super().__init__(listener.getsockname(), _Connection, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.socket.listen(self.request_queue_size)
        self.inbox = inbox


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE
    disable_nagle_algorithm = True

    def handle(self) -> None:
        # Clients may disconnect at any time: people use the inbox to try out timeouts.
        with suppress(ConnectionError, TimeoutError):
            super().handle()

    def finish(self) -> None:
        with suppress(ConnectionError, TimeoutError):
            super().finish()

    def _any(self) -> None:
        inbox = cast(_Server, self.server).inbox
        length = self.headers.get("Content-Length") or "0"
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit()):
            self.close_connection = True
            self._send(as_json(HTTPStatus.LENGTH_REQUIRED, {"error": "Send a Content-Length."}))
            return
        if int(length) > _LONGEST:
            self.close_connection = True
            fault = {"error": "The body is too long."}
            self._send(as_json(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, fault))
            return
        body = self.rfile.read(int(length))
        target = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=unquote(target.path),
            query=dict(parse_qsl(target.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
        )
        scripted, answer = inbox.answer(request)
        if scripted.hang and inbox.over.wait(scripted.hang):
            self.close_connection = True
            return
        if scripted.close:
            self.close_connection = True
            return
        if scripted.garbage:
            self.close_connection = True
            self.wfile.write(scripted.garbage.encode())
            return
        if scripted.status is not None:
            answer = Answer(scripted.status, scripted.body.encode(), scripted.headers)
        self._send(answer, drip=scripted.drip)

    do_DELETE = do_GET = do_HEAD = do_OPTIONS = do_PATCH = do_POST = do_PUT = _any

    def _send(self, answer: Answer, *, drip: float = 0) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        has_body = answer.status not in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
        if has_body:
            self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "HEAD" or not has_body:
            return
        if not drip:
            self.wfile.write(answer.body)
            return
        over = cast(_Server, self.server).inbox.over
        for byte in answer.body:
            if over.wait(drip):
                self.close_connection = True
                return
            self.wfile.write(bytes([byte]))

    def version_string(self) -> str:
        return "OpsKnight inbox"

    def log_message(self, format: str, *args: object) -> None:
        """Silent: `watch` reports the messages."""
