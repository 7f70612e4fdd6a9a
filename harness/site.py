"""The console as a browser sees it: its function and the HTTP API at one address on this machine,
on the tables of a world, with its clock.
"""

import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qsl

from console.handler import Console, Mailing
from console.handler import make as make_console
from harness.desk import Desk
from harness.world import World, deadline
from opsknight.directory.entries import key_hash
from opsknight.directory.sessions import LOGIN_LIFE, Login
from opsknight.http.gateway import respond
from opsknight.runtime import clock
from opsknight.runtime.addresses import Reach
from opsknight.runtime.ssm_secrets import SecretReader
from opsknight.store.sessions import Sessions
from respond.handler import fault


@dataclass
class Site:
    world: World
    desk: Desk
    console: Console
    url: str = ""
    _turn: threading.Lock = field(default_factory=threading.Lock)
    """A browser asks for several things at once; a world answers one after the other."""

    def provided(self, settings_name: str) -> None:
        """People log in by an identity provider from now on: the SSM parameter has it."""
        self.console = make_console(
            self.world.table,
            SecretReader(self.desk.ssm),
            clock.new_id,
            self.world.clock,
            provider_name=settings_name,
            reach=Reach.LOCAL,
        )

    def login(self, user: str = "ada") -> str:
        """The address of a one-time link."""
        secret = token_urlsafe(32)
        known = self.world.table.user(f"user_{user}", deadline())
        assert known
        offered = Login(
            user_id=known.id, user_since=known.since, ends_at=self.world.clock() + LOGIN_LIFE
        )
        Sessions(self.world.table).offer(key_hash(secret), offered, deadline())
        return f"{self.url}/auth/{secret}"

    def mailed(self, mailing: Mailing) -> None:
        """People log in by a code by e-mail from now on."""
        reader = SecretReader(self.desk.ssm)
        self.console = make_console(
            self.world.table, reader, clock.new_id, self.world.clock, by_mail=mailing
        )

    def answer(self, event: dict[str, Any]) -> dict[str, Any]:
        with self._turn:
            if event["rawPath"] == "/api/events":
                return self.world.gateway(event)
            if event["rawPath"].startswith("/api/"):
                return respond(event, lambda: self.desk.door(event["rawPath"]), fault)
            return respond(event, lambda: self.console)


@contextmanager
def site(world: World) -> Iterator[Site]:
    """Serves while the `with` lasts."""
    desk = Desk(world)
    secrets = SecretReader(desk.ssm)
    found = Site(world, desk, make_console(world.table, secrets, clock.new_id, world.clock))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            length = int(self.headers.get("Content-Length", 0))
            answer = found.answer(
                {
                    "version": "2.0",
                    "rawPath": path,
                    "headers": {name.lower(): value for name, value in self.headers.items()},
                    "queryStringParameters": dict(parse_qsl(query, keep_blank_values=True)),
                    "requestContext": {"http": {"method": self.command, "path": path}},
                    "body": self.rfile.read(length).decode(),
                    "isBase64Encoded": False,
                }
            )
            text = answer["body"]
            body = b64decode(text) if answer.get("isBase64Encoded") else text.encode()
            # A page that was left does not wait for its answers.
            with suppress(ConnectionError):
                self.send_response(answer["statusCode"])
                for name, value in answer["headers"].items():
                    self.send_header(name, value)
                for value in answer.get("cookies", ()):
                    self.send_header("Set-Cookie", value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

        do_POST = do_PATCH = do_DELETE = do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        found.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()
