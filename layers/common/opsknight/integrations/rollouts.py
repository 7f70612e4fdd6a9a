"""A change event of another system, made into a rollout. Pure; nothing is refused for its style."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from opsknight.incident.event_request import LONGEST_SOURCE, LONGEST_SUMMARY
from opsknight.incident.model import Actor
from opsknight.incident.references import details, references
from opsknight.incident.rollouts import (
    KEPT,
    LONGEST_DETAILS,
    MOST_LINKS,
    Link,
    Rollout,
    rollout_id,
)
from opsknight.incident.text import without_lone_surrogates
from opsknight.integrations.drafts import words


def rollout_of(
    payload: Mapping[str, Any], links: object, actor: Actor, service_id: str, now: datetime
) -> Rollout:
    """`payload` has a summary. A time that is none, or is still to come, is now."""
    body = json.dumps({"payload": payload, "links": links}, sort_keys=True, ensure_ascii=False)
    at = _at(payload.get("timestamp"), now)
    found = [each for each in references(body) if not each.image][:MOST_LINKS]
    return Rollout(
        id=rollout_id(service_id, at, without_lone_surrogates(body)),
        service_id=service_id,
        at=at,
        summary=_cut(_line(payload.get("summary")), LONGEST_SUMMARY),
        source=_cut(_line(payload.get("source")) or actor.name or actor.id, LONGEST_SOURCE),
        actor=actor,
        details=_cut(details(body) or "", LONGEST_DETAILS) or None,
        links=tuple(Link(text=each.label, href=each.url) for each in found),
    )


def _at(sent: object, now: datetime) -> datetime:
    try:
        found = datetime.fromisoformat(words(sent))
        found = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return now
    # What is older is kept no longer.
    return min(max(found, now - KEPT), now)


def _line(sent: object) -> str:
    return " ".join(without_lone_surrogates(words(sent)).split())


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 3] + "..."
