"""Answers on demand: what a place is to answer next, in place of what its provider would."""

import threading
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

type _Word = Annotated[str, Field(pattern=r"^[\x20-\x7e]*$")]
"""What a header can hold."""


class Scripted(BaseModel):
    """One answer. An empty one is the provider's own; `hang` alone is that one, but later."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Annotated[int, Field(ge=200, le=599)] | None = None
    headers: dict[_Word, _Word] = {}
    body: str = ""
    hang: Annotated[float, Field(ge=0, le=600)] = 0
    """Seconds before the first byte."""
    drip: Annotated[float, Field(ge=0, le=60)] = 0
    """Seconds between two bytes of the body."""
    close: bool = False
    """The connection ends without an answer."""
    garbage: str = ""
    """Sent as it is, in place of HTTP; then the connection ends."""

    @property
    def is_answer(self) -> bool:
        """Whether the provider has no say in it."""
        return self.status is not None or self.close or bool(self.garbage)


class Control(BaseModel):
    """What is posted to `/_control`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Annotated[str, Field(pattern="^/")]
    """A path, or the beginning of one with `*` behind it. For End User Messaging, which has only
    one path, `/PinpointSMSVoiceV2.SendTextMessage` or `...SendVoiceMessage`.
    """
    answers: tuple[Scripted, ...] = ()
    """For the requests that come next, in this order; then the provider answers again."""
    repeat: bool = False
    """They begin anew each time they are through."""
    secrets: tuple[str, ...] | None = None
    """What bodies sent there are signed with."""


class Scripts:
    """The newest script for a place counts. Safe to use from several threads."""

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
