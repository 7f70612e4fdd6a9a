"""A real HTTP server on loopback that answers by a script, and keeps every request."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser


@dataclass(frozen=True)
class Request:
    """`line` is the request line, such as `POST /x HTTP/1.1`."""

    line: str
    headers: Message
    body: bytes

    @property
    def path(self) -> str:
        return self.line.split(" ")[1]


type Act = Callable[[socket.socket, threading.Event], None]
"""How a receiver treats the connection once it has the request. The event is set when it closes."""


def answers(
    status: int, body: bytes = b"", headers: dict[str, str] | None = None, reason: str = "Because"
) -> Act:
    def act(connection: socket.socket, _over: threading.Event) -> None:
        lines = [f"HTTP/1.1 {status} {reason}", f"Content-Length: {len(body)}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    return act


def says(raw: bytes) -> Act:
    """Exactly these bytes."""
    return lambda connection, _over: connection.sendall(raw)


def hangs(_connection: socket.socket, over: threading.Event) -> None:
    over.wait(20)


def closes(_connection: socket.socket, _over: threading.Event) -> None:
    return None


def trickles(beginning: bytes, letter: bytes = b"x", every: float = 0.05) -> Act:
    """A letter now and then: no read times out, and the answer never ends."""

    def act(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(beginning)
        while not over.wait(every):
            connection.sendall(letter)

    return act


@dataclass
class HttpReceiver:
    """`script` holds the answers in turn; the last one repeats."""

    url: str
    script: list[Act]
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def then(self, *script: Act) -> None:
        self.script[:] = script

    def serve(self, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
        while not self.over.is_set():
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.talk, args=(plain, tls), daemon=True).start()

    def talk(self, plain: socket.socket, tls: ssl.SSLContext | None) -> None:
        try:
            with tls.wrap_socket(plain, server_side=True) if tls else plain as connection:
                connection.settimeout(20)
                self.requests.append(_read(connection))
                act = self.script.pop(0) if len(self.script) > 1 else self.script[0]
                act(connection, self.over)
        except OSError:
            return  # The other side has gone, as some tests want.


@contextmanager
def http_receiver(*script: Act, tls: ssl.SSLContext | None = None) -> Iterator[HttpReceiver]:
    """On a free port of 127.0.0.1; answers 200 without a script."""
    listener = socket.create_server(("127.0.0.1", 0))
    scheme = "https" if tls else "http"
    url = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
    receiver = HttpReceiver(url, list(script) or [answers(200)])
    accepting = threading.Thread(target=receiver.serve, args=(listener, tls), daemon=True)
    accepting.start()
    try:
        yield receiver
    finally:
        receiver.over.set()
        # Closing alone does not wake a thread that waits in accept().
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join(5)


def _read(connection: socket.socket) -> Request:
    with connection.makefile("rb") as stream:
        line = stream.readline().decode().strip()
        head = b""
        while (part := stream.readline()) not in (b"\r\n", b""):
            head += part
        headers = BytesParser().parsebytes(head)
        return Request(line, headers, stream.read(int(headers["Content-Length"] or 0)))
