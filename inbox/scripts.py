"""Scripted answers: what the inbox answers next at a place instead of the provider's own answer."""

import threading
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

type _Word = Annotated[str, Field(pattern=r"^[\x20-\x7e]*$")]
"""Text that a header can hold."""


class Scripted(BaseModel):
    """One answer. Without status, `close` and `garbage` the provider answers, after `hang`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Annotated[int, Field(ge=200, le=599)] | None = None
    headers: dict[_Word, _Word] = {}
    body: str = ""
    hang: Annotated[float, Field(ge=0, le=600)] = 0
    """Seconds before the answer begins."""
    drip: Annotated[float, Field(ge=0, le=60)] = 0
    """Seconds before each byte of the body."""
    close: bool = False
    """Close the connection without an answer."""
    garbage: str = ""
    """Send this text instead of HTTP, then close the connection."""

    @property
    def is_answer(self) -> bool:
        """Whether it replaces the provider's own answer."""
        return self.status is not None or self.close or bool(self.garbage)


class Control(BaseModel):
    """The body of `POST /_control`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Annotated[str, Field(pattern="^/")]
    """A path, or the beginning of paths followed by `*`. End User Messaging has a single path, so
    its places are `/PinpointSMSVoiceV2.SendTextMessage` and `/PinpointSMSVoiceV2.SendVoiceMessage`.
    """
    answers: tuple[Scripted, ...] = ()
    """The answers to the next requests, in this order. Then the provider answers again."""
    repeat: bool = False
    """Start again from the first answer after the last one."""
    secrets: tuple[str, ...] | None = None
    """The secrets that bodies sent there may be signed with."""


class Scripts:
    """The scripts of all places, of which the newest that covers a place counts. Safe to use from
    several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._scripts: dict[str, tuple[list[Scripted], bool]] = {}
        self._secrets: dict[str, tuple[str, ...]] = {}

    def set(self, control: Control) -> None:
        with self._lock:
            self._scripts.pop(control.path, None)
            if control.answers:
                self._scripts[control.path] = (list(control.answers), control.repeat)
            if control.secrets is not None:
                self._secrets[control.path] = control.secrets

    def clear(self) -> None:
        with self._lock:
            self._scripts.clear()
            self._secrets.clear()

    def next(self, place: str) -> Scripted:
        with self._lock:
            for path, (answers, repeat) in reversed(self._scripts.items()):
                if answers and _covers(path, place):
                    answer = answers.pop(0)
                    if repeat:
                        answers.append(answer)
                    return answer
        return Scripted()

    def secrets(self, place: str) -> tuple[str, ...]:
        with self._lock:
            found = [them for path, them in self._secrets.items() if _covers(path, place)]
        return found[-1] if found else ()


def _covers(path: str, place: str) -> bool:
    return place.startswith(path[:-1]) if path.endswith("*") else place == path
