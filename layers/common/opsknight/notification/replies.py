"""Replies by text message: the codes that a message shows, and what an answer asks for.

Pure. A code stands for one incident and one phone number. It is made from a secret, as the sender
of a text message can be forged: whoever answers has to have read the message.
"""

import hmac
import re
from datetime import timedelta
from hashlib import sha256
from typing import Final

from pydantic import AwareDatetime

from opsknight.classes import dataclass
from opsknight.incident.model import Model

# Without letters and digits that look alike, and without vowels: no code is a word.
ALPHABET: Final = "23456789BCDFGHJKLMNPQRSTVWXZ"
LENGTH: Final = 3
WORKS_FOR: Final = timedelta(hours=4)
# `all` is for what the phone has just shown.
ALL_WITHIN: Final = timedelta(hours=1)
MOST_AT_ONCE: Final = 50
MOST_BY_KEY: Final = 200
"""A key in a call acknowledges so many: whoever pressed it waits for the answer."""
MOST_WRONG: Final = 5
"""In an hour; then nothing is answered any more."""
NAMED_IN_A_TEXT: Final = 3
"""A message of several incidents names so many."""

_REPLY: Final = re.compile(rf"([{ALPHABET}]{{{LENGTH}}})(?:\s+(2|ALL))?")
# Those that AWS and carriers obey, too, before we hear of them.
_STOP: Final = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "ARRET"})
_START: Final = frozenset({"START", "UNSTOP", "YES"})


class OpenCode(Model):
    """A code that a message to a number showed."""

    code: str
    incident_id: str
    service_id: str
    delivery_id: str
    user_id: str
    at: AwareDatetime
    """When it was shown last."""
    sender: str = ""
    """The number that the message came from; empty where the provider chose one."""


@dataclass(frozen=True, slots=True)
class Acknowledges:
    code: str


@dataclass(frozen=True, slots=True)
class Resolves:
    code: str


@dataclass(frozen=True, slots=True)
class AcknowledgesAll:
    code: str
    """One of those that the phone has shown."""


@dataclass(frozen=True, slots=True)
class Stops:
    """No more text messages to this number."""


@dataclass(frozen=True, slots=True)
class Starts:
    """Text messages to this number again."""


@dataclass(frozen=True, slots=True)
class AsksForCodes:
    """A digit alone, which says what and not of which incident."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Anything else."""


type Reply = Acknowledges | Resolves | AcknowledgesAll | Stops | Starts | AsksForCodes | Unknown


def read(text: str) -> Reply:
    words = " ".join(text.strip().upper().strip(".!").split())
    if words in _STOP:
        return Stops()
    if words in _START:
        return Starts()
    if len(words) == 1 and words.isdigit():
        return AsksForCodes()
    found = _REPLY.fullmatch(words)
    if found is None:
        return Unknown()
    match found[2]:
        case "2":
            return Resolves(found[1])
        case "ALL":
            return AcknowledgesAll(found[1])
        case _:
            return Acknowledges(found[1])


def code_of(incident_id: str, number: str, key: bytes, attempt: int = 0) -> str:
    """The same whenever the incident is told to the number. `attempt` counts codes that another
    incident has at the moment.
    """
    text = f"opsknight reply\0{incident_id}\0{number}\0{attempt}".encode()
    value = int.from_bytes(hmac.digest(key, text, sha256)[:8])
    letters = []
    for _ in range(LENGTH):
        value, letter = divmod(value, len(ALPHABET))
        letters.append(ALPHABET[letter])
    return "".join(letters)


def same_sender(sent_from: str, replied_to: str) -> bool:
    """Whether a reply went to where the message came from. A pool or a sender id says nothing about
    the number behind it.
    """
    return not sent_from.startswith("+") or sent_from == replied_to


# https://www.itu.int/pub/T-SP-E.164D: calling codes of two digits; 1 and 7 have one, others three.
# By their first digit, the second digits.
_TWO_DIGITS: Final = {
    "2": "07",
    "3": "0123469",
    "4": "013456789",
    "5": "12345678",
    "6": "0123456",
    "8": "1246",
    "9": "0123458",
}


def calling_code(number: str) -> str:
    """Of a number in E.164; empty for anything else."""
    digits = number.removeprefix("+")
    if not number.startswith("+") or not (digits.isascii() and digits.isdigit()):
        return ""
    if digits[:1] in ("1", "7"):
        return digits[0]
    return digits[:2] if digits[1:2] in tuple(_TWO_DIGITS.get(digits[:1], "")) else digits[:3]
