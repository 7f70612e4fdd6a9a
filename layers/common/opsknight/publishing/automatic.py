"""What a page posts by itself: a service's trouble that lasts, while no person has posted about it.

One post for all incidents of a service at a time, in words of its own: titles of alerts are not for
customers. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from opsknight.classes import dataclass
from opsknight.incident.model import Actor, ActorKind, Incident, Status, Urgency
from opsknight.publishing.posts import Phase, Post, State, Update, opened, updated

# LOW ones trouble nobody outside.
STATES: Final[Mapping[Urgency, State]] = {
    Urgency.HIGH: State.DOWN,
    Urgency.MEDIUM: State.DEGRADED,
}
COUNTING: Final = frozenset({Status.OPEN, Status.ACKNOWLEDGED, Status.SNOOZED})
PAGE: Final = Actor(kind=ActorKind.SYSTEM, id="status-page", name="status page")
_WORDS: Final = {State.DOWN: "{} is not available", State.DEGRADED: "{} is slow or partly failing"}


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with one service for longer than the page waits."""

    state: State
    first: Incident


def troubles(incidents: Iterable[Incident], after: timedelta, now: datetime) -> dict[str, Trouble]:
    """By service id."""
    found: dict[str, Trouble] = {}
    for each in sorted(incidents, key=lambda it: it.created_at):
        state = STATES.get(each.urgency)
        # Of a shadow, customers hear by the system that still pages.
        if state is None or each.shadow or each.status not in COUNTING:
            continue
        if now - each.created_at < after:
            continue
        known = found.get(each.service_id)
        if known is None:
            found[each.service_id] = Trouble(state, each)
        elif state.rank > known.state.rank:
            found[each.service_id] = Trouble(state, known.first)
    return found


def decide(
    page_id: str,
    names: Mapping[str, str],
    posts: Sequence[Post],
    found: Mapping[str, Trouble],
    now: datetime,
) -> list[Post]:
    """New and changed posts. `names`: those that the page shows, by service id."""
    changed: list[Post] = []
    current = [each for each in posts if not each.is_over(now)]
    for service_id, name in names.items():
        mine = next((it for it in current if it.automatic and _is_about(it, service_id)), None)
        by_hand = any(_is_about(each, service_id) for each in current if not each.automatic)
        trouble = found.get(service_id)
        if mine is None:
            if trouble is not None and not by_hand:
                changed.append(_new(page_id, service_id, name, trouble, now))
        elif trouble is None:
            text = f"{name} works again."
            changed.append(updated(mine, Update(at=now, text=text, phase=Phase.RESOLVED)))
        elif mine.state_of(service_id, now) is not trouble.state:
            update = Update(at=now, text=f"{_WORDS[trouble.state].format(name)}.")
            changed.append(updated(mine, update, {service_id: trouble.state}))
    return changed


def _is_about(post: Post, service_id: str) -> bool:
    return any(each.service_id == service_id for each in post.effects)


def _new(page_id: str, service_id: str, name: str, trouble: Trouble, now: datetime) -> Post:
    incident = trouble.first
    post = Post(
        id=automatic_id(page_id, incident),
        page_id=page_id,
        title=_WORDS[trouble.state].format(name),
        phase=Phase.INVESTIGATING,
        starts_at=incident.created_at,
        updates=(Update(at=now, text="We are looking into it.", phase=Phase.INVESTIGATING),),
        incident_id=incident.id,
        automatic=True,
        by=PAGE,
        changed_at=now,
    )
    return opened(post, {service_id: trouble.state})


def automatic_id(page_id: str, incident: Incident) -> str:
    """The same whoever makes it: it is posted once. Nobody finds the incident's id in it."""
    digest = sha256(f"{page_id}/{incident.id}".encode()).hexdigest()[:16]
    return f"post_{int(incident.created_at.timestamp() * 1000):012x}{digest}"
