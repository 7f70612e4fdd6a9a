"""The result of a check: a verdict, a sentence, and a way to fix it."""

from collections.abc import Iterable
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
