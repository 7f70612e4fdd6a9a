"""An inbox on a free port, and the ways to send into it."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from inbox.mailbox import Message
from inbox.server import Inbox

type Post = Callable[..., requests.Response]


@pytest.fixture
def watched() -> list[Message]:
    """The messages that the inbox passed to `watch`."""
    return []


@pytest.fixture
def inbox(watched: list[Message]) -> Iterator[Inbox]:
    with Inbox(socket.create_server(("127.0.0.1", 0)), watch=watched.append) as up:
        yield up


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def post(inbox: Inbox, http: requests.Session) -> Post:
    """Posts to a path of the inbox."""

    def post(path: str, **arguments: Any) -> requests.Response:
        return http.post(inbox.url + path, timeout=10, allow_redirects=False, **arguments)

    return post


@pytest.fixture
def newest(inbox: Inbox) -> Callable[[], Message]:
    return lambda: inbox.mailbox.after(0)[-1]
