"""The audit log: who changed whom OpsKnight pages, or who may do what; when, and from where.

Pure. What people do about an incident stands in its timeline and not here. No entry holds a secret,
a telephone number or another address in clear: whoever describes an act masks them.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from pydantic import AwareDatetime

from opsknight.classes import dataclass
from opsknight.incident.model import Actor, Model

PREFIX: Final = "aud"
# An entry is written within the act's own transaction, so it has to be small.
LONGEST_TEXT: Final = 200
MOST_FACTS: Final = 30


class AuditKind(StrEnum):
    """What was done. Stored: a name never gets another meaning."""

    INTEGRATION_ADDED = "integration_added"
    KEY_MADE = "key_made"
    KEY_ROTATED = "key_rotated"
    KEY_REVOKED = "key_revoked"
    LOGIN_LINK_MADE = "login_link_made"
    LOGIN_FAILED = "login_failed"
    SESSION_BEGUN = "session_begun"
    SESSION_ENDED = "session_ended"
    OVERRIDE_ADDED = "override_added"
    OVERRIDE_REMOVED = "override_removed"
    MAINTENANCE_PLANNED = "maintenance_planned"
    MAINTENANCE_ENDED = "maintenance_ended"
    METHOD_ASKED_FOR = "method_asked_for"
    METHODS_CHANGED = "methods_changed"
    RULES_CHANGED = "rules_changed"
    CALENDAR_ENDED = "calendar_ended"
    CONFIGURATION_APPLIED = "configuration_applied"
    HOLD_BEGUN = "hold_begun"
    HOLD_ENDED = "hold_ended"
    RESTORED = "restored"
    POST_ADDED = "post_added"
    POST_UPDATED = "post_updated"
    POST_WITHDRAWN = "post_withdrawn"


class Via(StrEnum):
    """By what somebody acted."""

    CONSOLE = "console"
    API = "api"
    COMMAND_LINE = "command_line"


class ThingKind(StrEnum):
    """What an act is about."""

    CONFIGURATION = "configuration"
    DEPLOYMENT = "deployment"
    INTEGRATION = "integration"
    KEY = "key"
    POST = "post"
    SCHEDULE = "schedule"
    SERVICE = "service"
    SESSION = "session"
    STATUS_PAGE = "status_page"
    USER = "user"


class Thing(Model):
    kind: str
    """A `ThingKind`, or one that a newer version knows."""
    id: str
    name: str = ""


class Fact(Model):
    """One thing that the act changed. Texts: people read them, and nothing is decided by them."""

    name: str
    before: str | None = None
    after: str | None = None


class AuditEntry(Model):
    id: str
    at: AwareDatetime
    kind: str
    """An `AuditKind`, or one that a newer version knows."""
    actor: Actor
    user_id: str | None = None
    """The person behind the actor: an API key's owner, or whom an operator says to act as."""
    via: str
    source: str = ""
    """The IP address that the request came from; empty where there is none."""
    things: tuple[Thing, ...]
    """What it is about, then what that belongs to."""
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Author:
    """Who acts, and from where."""

    actor: Actor
    via: Via
    source: str = ""
    user_id: str | None = None

    def entry(self, act: "Act", entry_id: str, at: datetime) -> AuditEntry:
        return AuditEntry(
            id=entry_id,
            at=at,
            kind=act.kind,
            actor=self.actor,
            user_id=self.user_id,
            via=self.via,
            source=self.source,
            things=act.things,
            facts=act.facts,
        )


@dataclass(frozen=True, slots=True)
class Act:
    """What is done, whoever does it."""

    kind: AuditKind
    things: tuple[Thing, ...]
    facts: tuple[Fact, ...] = ()


def thing(kind: ThingKind, thing_id: str, name: str = "") -> Thing:
    return Thing(kind=kind, id=_cut(thing_id), name=_cut(name))


def made(**values: object) -> tuple[Fact, ...]:
    """Facts of what is new; without those that are None or empty."""
    return changed({}, values)


def gone(**values: object) -> tuple[Fact, ...]:
    return changed(values, {})


def changed(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[Fact, ...]:
    """Facts of what differs, by name."""
    names = dict.fromkeys([*before, *after])
    pairs = ((name, text(before.get(name)), text(after.get(name))) for name in names)
    found = [Fact(name=name, before=was, after=now) for name, was, now in pairs if was != now]
    return tuple(found[:MOST_FACTS])


def text(value: object) -> str | None:
    """As people read it; None for nothing."""
    match value:
        case None | "" | () | []:
            return None
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        case bool():
            return "yes" if value else "no"
        case StrEnum():
            return value.value
        case list() | tuple() | frozenset():
            return _cut(", ".join(sorted(map(str, value))))
        case _:
            return _cut(str(value))


def named(names: Iterable[str], most: int = 8) -> str:
    """`checkout, search and 3 more`, in order."""
    known = sorted(names)
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more


def _cut(words: str) -> str:
    return words if len(words) <= LONGEST_TEXT else words[: LONGEST_TEXT - 1] + "…"
