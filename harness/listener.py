"""Stands in for all receivers: it hears every message, and answers as the test says."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from harness.faults import Process
from notify.channels.protocol import Outcome, Sender, Sent
from opsknight.directory.receivers import Channel, Receiver
from opsknight.notification.message import Message


@dataclass(frozen=True)
class Heard:
    receiver: Receiver
    message: Message
    at: datetime

    @property
    def text(self) -> str:
        several = len(self.message.incidents)
        return f"{self.receiver.id} {self.message.about}" + (f" x{several}" if several > 1 else "")


@dataclass
class Listener:
    """A `Sender` for every channel."""

    clock: Callable[[], datetime]
    heard: list[Heard] = field(default_factory=list)
    answers: dict[str, Iterator[Outcome]] = field(default_factory=dict)
    """By the receiver's id, its next answers; after the last one, every message works. By `<id>
    silence`, those to being called off.
    """
    updatable: bool = False
    """Whether it says where a message is."""
    updated: list[Heard] = field(default_factory=list["Heard"])
    """What became of messages that were updated, and their places in `places`."""
    places: list[str] = field(default_factory=list[str])
    silenced: list[tuple[str, str]] = field(default_factory=list)
    """The receiver and the name of each message that was called off."""
    _shown: int = 0

    def senders(self) -> Mapping[Channel, Sender]:
        return dict.fromkeys(Channel, self)

    def send(self, message: Message, receiver: Receiver) -> Outcome:
        self.heard.append(Heard(receiver, message, self.clock()))
        scripted = self.answers.get(receiver.id, iter(()))
        number = f"provider-{len(self.heard)}"
        place = {"place": number} if self.updatable else {}
        return next(scripted, Sent(provider_id=number, remember=place))

    def update(self, message: Message, receiver: Receiver, place: Mapping[str, str]) -> Outcome:
        outcome = next(self.answers.get(f"{receiver.id} update", iter(())), Sent())
        if isinstance(outcome, Sent):
            self.updated.append(Heard(receiver, message, self.clock()))
            self.places.append(place["place"])
        return outcome

    def silence(self, ring: str, receiver: Receiver) -> Outcome:
        self.silenced.append((receiver.id, ring))
        return next(self.answers.get(f"{receiver.id} silence", iter(())), Sent())

    def through(self, process: Process) -> Mapping[Channel, Sender]:
        """The same senders for a process that may die before or after a send."""
        return dict.fromkeys(Channel, _Watched(self, process))

    def answer(self, receiver_id: str, outcomes: Iterable[Outcome]) -> None:
        self.answers[receiver_id] = iter(outcomes)

    def new(self) -> list[Heard]:
        """The messages since the last call."""
        found = self.heard[self._shown :]
        self._shown = len(self.heard)
        return found


@dataclass(frozen=True)
class _Watched:
    listener: Listener
    process: Process

    def send(self, message: Message, receiver: Receiver) -> Outcome:
        return self.process.around("Send", lambda: self.listener.send(message, receiver))

    def silence(self, ring: str, receiver: Receiver) -> Outcome:
        return self.process.around("Silence", lambda: self.listener.silence(ring, receiver))

    def update(self, message: Message, receiver: Receiver, place: Mapping[str, str]) -> Outcome:
        return self.process.around("Update", lambda: self.listener.update(message, receiver, place))
