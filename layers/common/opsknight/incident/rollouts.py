"""What changed on a service before its incidents: a deploy, a setting, as a pipeline reported it.

Pure. A rollout opens nothing and pages nobody; incidents that open soon after it name it.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from opsknight.incident.model import Actor, Model

# An incident names those within this time before it.
SUSPECT_FOR: Final = timedelta(hours=1)
KEPT: Final = timedelta(days=90)
LONGEST_DETAILS: Final = 2000
MOST_LINKS: Final = 10
MOST_NAMED: Final = 5


class Link(Model):
    text: str
    href: str


class Rollout(Model):
    id: str
    service_id: str
    at: datetime
    summary: str
    source: str
    actor: Actor
    """The integration whose key reported it."""
    details: str | None = None
    """Its custom details as lines of `key: value`, cut after 2,000 characters."""
    links: tuple[Link, ...] = ()


def rollout_id(service_id: str, at: datetime, body: str) -> str:
    """The same for a report that is sent again."""
    digest = hashlib.sha256(f"{service_id}\n{at.isoformat()}\n{body}".encode()).hexdigest()
    return f"ro_{digest[:24]}"


def suspected(found: Iterable[Rollout], opened_at: datetime) -> list[Rollout]:
    """Those that an incident opened then names, the last one first."""
    within = (each for each in found if opened_at - SUSPECT_FOR <= each.at <= opened_at)
    return sorted(within, key=lambda each: (each.at, each.id), reverse=True)[:MOST_NAMED]
