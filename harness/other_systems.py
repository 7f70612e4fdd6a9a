"""Other on-call systems' APIs, played from the files of an export: pages, limits and failures."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

type Query = dict[str, list[str]]
type Answering = Callable[[str, Query], Any]
"""The answer to a path, or None for 404."""


@dataclass
class Played:
    answering: Answering
    authorization: str
    trouble: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Status and headers of the next answers, before any other; 0 closes the connection."""
    refuses: tuple[str, ...] = ()
    """Beginnings of paths that the token may not read."""
    asked: list[str] = field(default_factory=list)
    url: str = ""


@contextmanager
def playing(played: Played) -> Iterator[Played]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            played.asked.append(self.path)
            if played.trouble:
                status, headers = played.trouble.pop(0)
                if status:
                    self._answer(status, {}, headers)
                else:
                    self.connection.close()
                return
            parts = urlsplit(self.path)
            if self.headers["Authorization"] != played.authorization:
                self._answer(401, {})
            elif parts.path.startswith(played.refuses or ("nothing",)):
                self._answer(403, {})
            else:
                found = played.answering(unquote(parts.path), parse_qs(parts.query))
                self._answer(404 if found is None else 200, found)

        def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(text))} | (headers or {})).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    played.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield played
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
