"""HTTP as the send function sees it: connections that reach the receivers of a night.

What a receiver does with a call is its own (`receivers.py`).
"""

import http.client
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any, Final, Protocol

import urllib3

# Some address that is routed: every name is found there.
ADDRESS: Final = "93.184.215.14"


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b"{}"

    def getheader(self, name: str) -> str | None:
        return self.headers.get(name)

    def read(self, most: int) -> bytes:
        return self.body[:most]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> dict[str, Any]:
        try:
            found = json.loads(self.text)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


class Server(Protocol):
    def post(self, path: str, body: bytes, headers: Mapping[str, str], timeout: float) -> Reply:
        """Takes its time; raises what a connection raises."""
        ...


class _Connection:
    sock = None

    def __init__(
        self,
        connect: Callable[[str], Server],
        address: str,
        port: int,
        *,
        timeout: float,
        server_hostname: str = "",
        ssl_context: object = None,
    ) -> None:
        self._connect, self._host = connect, server_hostname or address
        self.timeout = timeout
        self._server: Server | None = None
        self._reply: Reply | None = None

    def connect(self) -> None:
        self._server = self._connect(self._host)

    def request(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> None:
        if self._server is None:
            raise ConnectionError("not connected")
        self._reply = self._server.post(path, body, headers, self.timeout)

    def close(self) -> None:
        pass

    @staticmethod
    def getresponse(connection: "_Connection") -> Reply:
        if connection._reply is None:
            raise http.client.HTTPException
        return connection._reply


class Caller:
    """`HTTPSConnection`, as the canary uses it."""

    def __init__(self, connect: Callable[[str], Any], host: str) -> None:
        self._connect, self._host = connect, host
        self._answer: Any = None

    def request(self, method: str, path: str, body: str, headers: Mapping[str, str]) -> None:
        self._answer = self._connect(self._host).ask(method, path, body, headers)

    def getresponse(self) -> Any:
        return self._answer

    def close(self) -> None:
        pass


def client_module(connect: Callable[[str], Any]) -> ModuleType:
    """`http.client`."""
    module = ModuleType("http.client")
    module.__dict__.update({k: v for k, v in vars(http.client).items() if not k.startswith("__")})
    module.__dict__["HTTPConnection"] = _Connection
    module.__dict__["HTTPSConnection"] = lambda host, port, timeout: Caller(connect, host)
    return module


def urllib3_module(connect: Callable[[str], Server]) -> ModuleType:
    def connection(address: str, port: int, **more: Any) -> _Connection:
        return _Connection(connect, address, port, **more)

    module = ModuleType("urllib3")
    module.__dict__.update({k: v for k, v in vars(urllib3).items() if not k.startswith("__")})
    module.__path__ = urllib3.__path__
    module.__dict__["connection"] = SimpleNamespace(
        HTTPConnection=connection, HTTPSConnection=connection
    )
    return module
