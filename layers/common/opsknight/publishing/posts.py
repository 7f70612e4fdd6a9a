"""Posts: what a status page tells its readers about trouble or planned maintenance.

A person writes them, or the page itself where its configuration says so (`automatic`). Pure: `now`
and ids are arguments. What a page shows of its posts is in `board`.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from opsknight.incident.model import Actor, Model
from opsknight.incident.timeline import Change

LONGEST_TITLE: Final = 200
LONGEST_TEXT: Final = 1500
# With the two above, a post of the longest words stays far below the size of an item.
MOST_UPDATES: Final = 40


class State(StrEnum):
    """How a service is for those who use it; the worst comes last."""

    NONE = "none"
    MAINTENANCE = "maintenance"
    DEGRADED = "degraded"
    PARTIAL = "partial"
    DOWN = "down"

    @property
    def rank(self) -> int:
        return list(State).index(self)

    @property
    def is_trouble(self) -> bool:
        return self.rank > State.MAINTENANCE.rank


class Phase(StrEnum):
    """How far people are with it."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"


class PostKind(StrEnum):
    INCIDENT = "incident"
    MAINTENANCE = "maintenance"


class Effect(Model):
    """A service is in this state for this long; without an end it still is."""

    service_id: str
    state: State
    start: datetime
    end: datetime | None = None


class Update(Model):
    at: datetime
    text: str
    phase: Phase | None = None
    """None where it stays as it was."""


class Post(Model):
    id: str
    """Readers see it: it sorts by time, and is no incident's."""
    page_id: str
    kind: PostKind = PostKind.INCIDENT
    title: str
    phase: Phase | None = None
    """None of planned maintenance, whose times say it."""
    starts_at: datetime
    ends_at: datetime | None = None
    effects: tuple[Effect, ...] = ()
    updates: tuple[Update, ...] = ()
    """Oldest first."""
    incident_id: str | None = None
    """Its public notes become updates."""
    seen_changes: int = 0
    """The number of the incident's last change that was looked at for public notes."""
    automatic: bool = False
    """Made, changed and ended by the page itself."""
    by: Actor
    changed_at: datetime
    withdrawn_at: datetime | None = None
    """It was a mistake: nothing of it is left to see."""
    version: int = 1
    """Grows with every write, so that no two overwrite each other."""

    def is_over(self, now: datetime) -> bool:
        return self.withdrawn_at is not None or (self.ends_at is not None and self.ends_at <= now)

    def state_of(self, service_id: str, now: datetime) -> State:
        mine = (each.state for each in self.effects if each.service_id == service_id)
        times = ((each.start, each.end) for each in self.effects if each.service_id == service_id)
        found = [
            state
            for state, (start, end) in zip(mine, times, strict=True)
            if start <= now and (end is None or now < end)
        ]
        return max(found, key=lambda each: each.rank, default=State.NONE)


def opened(post: Post, states: Mapping[str, State]) -> Post:
    """A new post with its effects: `states` by service id, of maintenance those under it."""
    effects = (
        Effect(service_id=service_id, state=state, start=post.starts_at, end=post.ends_at)
        for service_id, state in sorted(states.items())
        if state is not State.NONE
    )
    return post.model_copy(update={"effects": tuple(effects)})


def updated(post: Post, update: Update, states: Mapping[str, State] | None = None) -> Post:
    """With one more update. `states`: how services are from then on; others stay as they were. With
    RESOLVED it is over, for all of them.
    """
    now = update.at
    over = update.phase is Phase.RESOLVED
    changed: dict[str, object] = {
        "updates": (*post.updates, update),
        "effects": _changed(post, dict(states or {}), now, over=over),
        "changed_at": now,
        "version": post.version + 1,
    }
    if over:
        changed["ends_at"] = max(now, post.starts_at)
    if update.phase is not None:
        changed["phase"] = update.phase
    return post.model_copy(update=changed)


def _changed(
    post: Post, states: dict[str, State], now: datetime, *, over: bool
) -> tuple[Effect, ...]:
    found: list[Effect] = []
    for each in post.effects:
        is_open = each.end is None or each.end > now
        wanted = State.NONE if over else states.get(each.service_id, each.state)
        if not is_open or wanted is each.state:
            found.append(each)
            if is_open:
                states.pop(each.service_id, None)
        elif each.start < now:
            found.append(each.model_copy(update={"end": now}))
    if not over:
        end = post.ends_at
        found += [
            Effect(service_id=service_id, state=state, start=max(now, post.starts_at), end=end)
            for service_id, state in sorted(states.items())
            if state is not State.NONE
        ]
    return tuple(found)


def noted(post: Post, changes: Iterable[Change], now: datetime) -> Post:
    """With the public notes among these changes of its incident; the same post without any new."""
    seen, notes = post.seen_changes, []
    for each in changes:
        if each.number <= post.seen_changes:
            continue
        seen = max(seen, each.number)
        if each.detail.get("public") == "yes" and (text := each.detail.get("note", "").strip()):
            notes.append(Update(at=each.at, text=shortened(text)))
    if seen == post.seen_changes:
        return post
    updates = sorted((*post.updates, *notes), key=lambda each: each.at)
    if len(updates) > MOST_UPDATES:
        updates = [updates[0], *updates[-MOST_UPDATES + 1 :]]
    changed: dict[str, object] = {"seen_changes": seen, "version": post.version + 1}
    if notes:
        changed |= {"updates": tuple(updates), "changed_at": now}
    return post.model_copy(update=changed)


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def withdrawn(post: Post, now: datetime) -> Post:
    """What stays is that there was one, whose, and when."""
    nothing: dict[str, object] = {"title": "", "updates": (), "effects": (), "incident_id": None}
    times: dict[str, object] = {"withdrawn_at": now, "changed_at": now, "version": post.version + 1}
    return post.model_copy(update=nothing | times)
