"""The result of a check: a verdict, a sentence, and a way to fix it."""

from collections.abc import Iterable
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Final

from opsknight.classes import dataclass

NAMES_SHOWN: Final = 4


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Finding:
    check: str
    verdict: Verdict
    said: str
    mend: str | None = None
    """How to fix it, in a sentence."""


def day_and_time(at: datetime, zone: tzinfo) -> str:
    """`Mon 23 Nov 04:00 CET`, for times of this and the next days."""
    return f"{at.astimezone(zone):%a %d %b %H:%M %Z}"


def date_and_time(at: datetime, zone: tzinfo) -> str:
    """`2026-11-23 04:00 CET`, for times that may be long ago."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}"


def ok(check: str, said: str) -> Finding:
    return Finding(check, Verdict.OK, said)


def warning(check: str, said: str, mend: str) -> Finding:
    return Finding(check, Verdict.WARNING, said, mend)


def failed(check: str, said: str, mend: str) -> Finding:
    return Finding(check, Verdict.FAILED, said, mend)


def unchecked(check: str, why: str, mend: str | None = None) -> Finding:
    return Finding(check, Verdict.NOT_CHECKED, why, mend)


def named(names: Iterable[str]) -> str:
    known = sorted(names)
    more = f" and {len(known) - NAMES_SHOWN} more" if len(known) > NAMES_SHOWN else ""
    return ", ".join(known[:NAMES_SHOWN]) + more
