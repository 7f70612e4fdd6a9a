"""The inbox's server: reads each request whole, asks who it is for, keeps it, and answers.

A thread a connection, as scripted answers may hang for minutes. Providers read
(`inbox.providers`), `inbox.reading` serves people and tests.
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
from inbox.providers.reading import Desk, Reading
from inbox.reading import Reader, is_for_readers
from inbox.scripts import Control, Scripted, Scripts
from inbox.wire import Answer, Request, as_json

_LONGEST: Final = 10 * 1024 * 1024
"""Bytes of a request; SES itself takes 40 MB, which no message of ours is near."""

_IDLE: Final = 75
"""Seconds that a connection may say nothing."""


class Inbox:
    """Serves while the `with` lasts. `watch` is told of each message, from another thread."""

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
        self._reader = Reader(self.mailbox, self.scripts)
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
        """What `POST /_control` does: these answers come next from that path (see `Control`)."""
        self.scripts.set(Control(path=path, answers=answers, repeat=repeat))

    def trust(self, path: str, *secrets: str) -> None:
        """Bodies sent to that path are signed with one of these, and refused otherwise."""
        self.scripts.set(Control(path=path, secrets=secrets))

    def answer(self, request: Request) -> tuple[Scripted, Answer]:
        """What was asked for in advance, and the answer that goes out if it leaves that open."""
        if is_for_readers(request):
            return Scripted(), self._reader.answer(request)
        provider = provider_of(request)
        if provider is None:
            fault = f"Nothing here answers {request.method} {request.path}."
            return Scripted(), as_json(404, {"error": fault})
        reading = provider(request, Desk(self.mailbox, self.scripts.secrets(request.place)))
        scripted = self.scripts.next(request.place)
        self._keep(request, reading, scripted)
        return scripted, reading.answer

    def _keep(self, request: Request, reading: Reading, scripted: Scripted) -> None:
        # What the provider would refuse is refused even when an answer was asked for: it says
        # more about the request than the script does.
        why, status = reading.why, reading.answer.status
        if scripted.is_answer:
            status = 0 if scripted.close or scripted.garbage else scripted.status or 0
            if not why and not 200 <= status < 300:
                why = _scripted(scripted)
        message = self.mailbox.add(
            channel=reading.channel,
            to=reading.to,
            title=reading.title,
            text=reading.text,
            status=status or None,
            why=why,
            sound=not reading.why,
            thread=reading.thread,
            notes=reading.notes,
            method=request.method,
            path=request.place,
            headers=request.headers,
            body=request.body,
        )
        self._watch(message)


def _scripted(scripted: Scripted) -> str:
    if scripted.close:
        return "connection closed on demand"
    return "answered rubbish on demand" if scripted.garbage else f"{scripted.status} on demand"


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
        # Whoever asked may be gone at any time: timeouts are part of what is tried out here.
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
            self._send(as_json(HTTPStatus.LENGTH_REQUIRED, {"error": "Content-Length is needed."}))
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
        """`watch` is told what matters."""
