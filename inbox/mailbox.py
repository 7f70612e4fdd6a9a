"""Keeps the newest messages in memory, up to a number and a size."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any, Final

from opsknight.directory.receivers import Channel

MOST: Final = 1000
MOST_BYTES: Final = 48 * 1024 * 1024
LONGEST_BODY: Final = 256 * 1024
_LONGEST_WORDS: Final = 500


@dataclass(frozen=True, slots=True)
class Message:
    """A request to a provider, whether the provider accepted it or not."""

    number: int
    """Counts from 1. No number is used twice."""
    at: datetime
    channel: Channel
    to: str
    title: str
    text: str
    """The words, without any layout."""
    status: int | None
    """The status of the answer; none if the connection was closed or got garbage."""
    why: str
    """Why the message did not arrive; empty if it did."""
    well_formed: bool
    """Whether the provider found no fault in it, so that its body can be shown. A script may still
    have refused it.
    """
    thread: str
    """The same for a message and its later edits; empty on channels without edits."""
    notes: Mapping[str, str]
    """Findings of the provider, such as whether the signature is right."""
    method: str
    path: str
    """`Request.place`."""
    headers: Mapping[str, str]
    body: bytes
    cut: bool
    """Whether the body was longer than what is kept of it."""

    def as_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "at": self.at.isoformat(),
            "channel": self.channel.value,
            "to": self.to,
            "title": self.title,
            "text": self.text,
            "accepted": not self.why,
            "status": self.status,
            "why": self.why,
            "well_formed": self.well_formed,
            "thread": self.thread,
            "notes": dict(self.notes),
            "method": self.method,
            "path": self.path,
            "headers": dict(self.headers),
            "body": self.body.decode(errors="replace"),
            "cut": self.cut,
        }

    @property
    def size(self) -> int:
        headers = sum(len(name) + len(value) for name, value in self.headers.items())
        return len(self.body) + len(self.text) + headers + 1000


class Mailbox:
    """Safe to use from several threads."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.now = now
        self._changed = threading.Condition()
        self._messages: dict[int, Message] = {}
        self._size = 0
        self._last = 0
        self._tickets = 0
        self._name = token_hex(8)
        self._closed = False

    @property
    def name(self) -> str:
        """Changes when the mailbox is emptied or restarted, which tells readers to start again."""
        return self._name

    def ticket(self) -> int:
        """A number that no other call gets, to make an id from."""
        with self._changed:
            self._tickets += 1
            return self._tickets

    def add(
        self,
        *,
        channel: Channel,
        to: str,
        title: str,
        text: str,
        status: int | None,
        why: str,
        well_formed: bool,
        thread: str,
        notes: Mapping[str, str],
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> Message:
        with self._changed:
            self._last += 1
            message = Message(
                number=self._last,
                at=self.now(),
                channel=channel,
                to=to[:_LONGEST_WORDS],
                title=" ".join(title.split())[:_LONGEST_WORDS],
                text=text[:LONGEST_BODY],
                status=status,
                why=why[:_LONGEST_WORDS],
                well_formed=well_formed and len(body) <= LONGEST_BODY,
                thread=thread,
                notes=notes,
                method=method,
                path=path,
                headers=headers,
                body=body[:LONGEST_BODY],
                cut=len(body) > LONGEST_BODY,
            )
            self._messages[message.number] = message
            self._size += message.size
            while len(self._messages) > MOST or self._size > MOST_BYTES:
                oldest = self._messages.pop(next(iter(self._messages)))
                self._size -= oldest.size
            self._changed.notify_all()
        return message

    def get(self, number: int) -> Message | None:
        with self._changed:
            return self._messages.get(number)

    def after(self, number: int, *, name: str = "", wait: float = 0) -> list[Message]:
        """The messages after that number, oldest first. Waits up to `wait` seconds for the first.

        A caller that gives another `name` than the current one gets all messages at once.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._last > number or (name and name != self._name) or self._closed, wait
            )
            since = 0 if name and name != self._name else number
            return [each for each in self._messages.values() if each.number > since]

    def edits(self, thread: str) -> list[Message]:
        """A message and its edits, oldest first, without those that were refused."""
        with self._changed:
            return [
                each
                for each in self._messages.values()
                if thread and each.thread == thread and not each.why
            ]

    def clear(self) -> None:
        with self._changed:
            self._messages.clear()
            self._size = 0
            self._name = token_hex(8)
            self._changed.notify_all()

    def close(self) -> None:
        """Ends all waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
