"""The front: one address on 127.0.0.1 that passes every request on to the deployed API.

MiniStack tells APIs apart by host name (`<id>.execute-api.localhost`, which not every resolver
knows) or by a long path with a `$` in it, and answers `/health` itself. Behind the front the API is
at the root of a plain address, as it is on AWS. The front changes nothing: method, path, query,
headers, body and status arrive as they were sent.

MiniStack also starts a process for each concurrent call of a function, without a limit. A burst of
64 requests would start 64 of them, and two cores would be busy with that for a minute. So the front
passes on a few requests at a time; the others wait here, in the order in which they came.
"""

import asyncio
import http.client
import json
import os
import socket
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

from hypercorn.asyncio import serve
from hypercorn.config import Config
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, Scope

Headers = list[tuple[bytes, bytes]]

_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"expect",
        b"host",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"content-length",
    }
)
"""Headers of one connection (RFC 9110, section 7.6.1), and those that we set for the next one."""

AT_ONCE = min(max(os.process_cpu_count() or 1, 2), 4)
"""Requests that are passed on at the same time: one for each core, as each needs a process, and at
most four, as all of them share one MiniStack.
"""

_PATIENCE = 40.0
"""Seconds for an answer, without the wait before it; API Gateway itself gives up after 30."""


@dataclass(frozen=True)
class Exchange:
    """A request and its answer, for `watch`."""

    method: str
    path: str
    status: int
    answer: bytes


class Front:
    """Serves while the `with` lasts, and calls `watch` with each answer, from another thread."""

    def __init__(
        self,
        listener: socket.socket,
        *,
        upstream: tuple[str, int],
        api_id: str,
        at_once: int = AT_ONCE,
        watch: Callable[[Exchange], None] = lambda _: None,
    ) -> None:
        host, port = listener.getsockname()
        self.url = f"http://{host}:{port}"
        """The base address, without a slash at its end."""
        self._listener = listener
        self._upstream = upstream
        self._root = f"/_aws/execute-api/{api_id}/$default"
        self._watch = watch
        self._workers = ThreadPoolExecutor(at_once, thread_name_prefix="front")
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="front")
        self._ready = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
        self._workers.shutdown(wait=False, cancel_futures=True)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        config = Config()
        config.bind = [f"fd://{self._listener.detach()}"]
        config.accesslog = None
        config.errorlog = None
        config.include_date_header = False
        config.include_server_header = False
        config.keep_alive_timeout = 75
        config.graceful_timeout = 1
        self._ready.set()
        await serve(self._answer, config, shutdown_trigger=self._over.wait)

    async def _answer(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """The ASGI application. Reads a request whole, then its answer, then sends that."""
        if scope["type"] != "http":
            return
        body = b""
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message["body"]
            more = message["more_body"]
        target = scope["raw_path"].decode("latin-1")
        if scope["query_string"]:
            target += "?" + scope["query_string"].decode("latin-1")
        status, headers, answer = await self._loop.run_in_executor(
            self._workers, self._pass_on, scope["method"], target, scope["headers"], body
        )
        self._watch(Exchange(scope["method"], scope["path"], status, answer))
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": headers,
                "trailers": False,
            }
        )
        await send({"type": "http.response.body", "body": answer, "more_body": False})

    def _pass_on(
        self, method: str, target: str, headers: Iterable[tuple[bytes, bytes]], body: bytes
    ) -> tuple[int, Headers, bytes]:
        # A new connection for each request costs next to nothing on one machine. In a connection
        # that MiniStack is about to close, nobody could tell whether an event arrived.
        connection = http.client.HTTPConnection(*self._upstream, timeout=_PATIENCE)
        try:
            connection.putrequest(method, self._root + target, skip_accept_encoding=True)
            for name, value in headers:
                if name.lower() not in _HOP_BY_HOP:
                    connection.putheader(name, value)
            connection.putheader("Connection", "close")
            if body or method in {"POST", "PUT", "PATCH"}:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as fault:
            text = json.dumps({"error": f"The local AWS did not answer: {fault}"}).encode()
            return 502, [(b"content-type", b"application/json")], text
        finally:
            connection.close()
        kept = [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in response.getheaders()
            if name.lower().encode("latin-1") not in _HOP_BY_HOP - {b"content-length"}
        ]
        return response.status, kept, answer
