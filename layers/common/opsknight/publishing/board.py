"""What anybody may see of a status page: the one way from posts to what is published.

An allow-list. Each field here is copied by name from the page's configuration or from a post;
nothing else of ours has a place in it, and ids of ours are told by their digest. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Final

from opsknight.classes import dataclass
from opsknight.directory.status_pages import StatusPage
from opsknight.publishing.posts import Effect, Phase, Post, PostKind, State

DAYS: Final = 90
# How long what is over stays on the first page.
RECENT: Final = timedelta(days=14)
# A page that did not change is written anew this often, so that its age says whether it lives.
RENEWED: Final = timedelta(minutes=5)
LATE: Final = timedelta(minutes=10)
"""A page whose time is older than this says so, and somebody is told."""


@dataclass(frozen=True, slots=True)
class Day:
    day: date
    state: State
    """The worst of the day, in UTC."""
    minutes: int
    """Of trouble; planned maintenance is none."""


@dataclass(frozen=True, slots=True)
class ShownService:
    id: str
    name: str
    state: State
    days: tuple[Day, ...]
    """Oldest first; the last is today."""

    @property
    def minutes(self) -> int:
        return sum(each.minutes for each in self.days)


@dataclass(frozen=True, slots=True)
class ShownUpdate:
    id: str
    at: datetime
    text: str
    phase: Phase | None


@dataclass(frozen=True, slots=True)
class ShownPost:
    id: str
    kind: PostKind
    title: str
    phase: Phase | None
    state: State
    """The worst of its services; of what is over, the worst that there was."""
    starts_at: datetime
    ends_at: datetime | None
    changed_at: datetime
    is_over: bool
    service_ids: tuple[str, ...]
    service_names: tuple[str, ...]
    updates: tuple[ShownUpdate, ...]
    """Newest first."""

    @property
    def month(self) -> str:
        return f"{self.starts_at:%Y-%m}"


@dataclass(frozen=True, slots=True)
class Board:
    id: str
    path: str
    """Its last part of the address."""
    name: str
    as_of: datetime
    changed_at: datetime
    """When anything but the time was last different."""
    state: State
    services: tuple[ShownService, ...]
    current: tuple[ShownPost, ...]
    """What is wrong now, and maintenance under way; newest first."""
    planned: tuple[ShownPost, ...]
    """The next one first."""
    over: tuple[ShownPost, ...]
    """Newest first."""

    @property
    def months(self) -> tuple[str, ...]:
        """Those that have a history, and this one; newest first."""
        posts = (*self.current, *self.over)
        return tuple(sorted({f"{self.as_of:%Y-%m}", *(it.month for it in posts)}, reverse=True))

    def of_month(self, month: str) -> list[ShownPost]:
        found = [each for each in (*self.current, *self.over) if each.month == month]
        return sorted(found, key=lambda each: each.starts_at, reverse=True)


def board(
    page: StatusPage, names: Mapping[str, str], posts: Iterable[Post], now: datetime
) -> Board:
    """`names`: of the services, by id; the page's own names for them go first."""
    now = now.astimezone(UTC)
    shown = {each: _name(page, each, names) for each in page.service_ids}
    kept = sorted(
        (each for each in posts if each.withdrawn_at is None),
        key=lambda each: (each.starts_at, each.id),
        reverse=True,
    )
    # What the page does not show any more has no name there.
    effects = [each for post in kept for each in post.effects if each.service_id in shown]
    services = tuple(_service(each, name, effects, now) for each, name in shown.items())
    posted = [_post(each, shown, now) for each in kept]
    ahead = [each for each in posted if each.starts_at > now and not each.is_over]
    current = [each for each in posted if each.starts_at <= now and not each.is_over]
    changed_at = _changed_at(kept, effects, now)
    return Board(
        id=public_id(page.id),
        path=page.path,
        name=page.name,
        as_of=max(_renewed(now), changed_at or _renewed(now)),
        changed_at=changed_at or datetime(now.year, now.month, 1, tzinfo=UTC),
        state=worst(each.state for each in services),
        services=services,
        current=tuple(current),
        planned=tuple(reversed(ahead)),
        over=tuple(each for each in posted if each.is_over),
    )


def public_id(private: str) -> str:
    """For readers' programs: it stays the same, and says nothing of ours."""
    return sha256(private.encode()).hexdigest()[:12]


def _name(page: StatusPage, service_id: str, names: Mapping[str, str]) -> str:
    own = page.public.names if page.public else {}
    return own.get(service_id) or names.get(service_id) or "A service"


def _renewed(now: datetime) -> datetime:
    minute = now.replace(second=0, microsecond=0)
    return minute - timedelta(minutes=minute.minute % (RENEWED.seconds // 60))


def _changed_at(posts: Sequence[Post], effects: Sequence[Effect], now: datetime) -> datetime | None:
    """When somebody last said something, or a time came that was said before."""
    times = [each.changed_at for each in posts]
    times += [at for each in effects for at in (each.start, each.end) if at is not None]
    times += [at for each in posts for at in (each.starts_at, each.ends_at) if at is not None]
    found = [at.astimezone(UTC).replace(microsecond=0) for at in times if at <= now]
    return max(found, default=None)


def worst(states: Iterable[State]) -> State:
    return max(states, key=lambda each: each.rank, default=State.NONE)


def _service(service_id: str, name: str, effects: Iterable[Effect], now: datetime) -> ShownService:
    mine = [each for each in effects if each.service_id == service_id and each.start <= now]
    state = worst(each.state for each in mine if each.end is None or each.end > now)
    today = now.date()
    days = (_day(today - timedelta(days=back), mine, now) for back in reversed(range(DAYS)))
    return ShownService(public_id(service_id), name, state, tuple(days))


def _day(day: date, effects: Iterable[Effect], now: datetime) -> Day:
    first = datetime(day.year, day.month, day.day, tzinfo=UTC)
    last = min(first + timedelta(days=1), now)
    spans = [
        (max(each.start, first), min(each.end or now, last), each.state)
        for each in effects
        if each.start < last and (each.end or now) > first
    ]
    trouble, reached = timedelta(0), first
    for start, end, state in sorted(spans):
        if state.is_trouble and end > reached:
            trouble += end - max(start, reached)
            reached = end
    # A minute that began counts: nobody reads "degraded, 0 min".
    minutes = -(-int(trouble.total_seconds()) // 60)
    return Day(day, worst(state for _, _, state in spans), minutes)


def _post(post: Post, shown: Mapping[str, str], now: datetime) -> ShownPost:
    is_over = post.is_over(now)
    current = [it for it in post.effects if it.end is None or it.end > now]
    about = list(dict.fromkeys(it.service_id for it in post.effects if it.service_id in shown))
    updates = [
        ShownUpdate(public_id(f"{post.id}/{number}"), each.at, each.text, each.phase)
        for number, each in enumerate(post.updates)
    ]
    return ShownPost(
        id=public_id(post.id),
        kind=post.kind,
        title=post.title,
        phase=post.phase,
        state=worst(each.state for each in (post.effects if is_over else current)),
        starts_at=post.starts_at.astimezone(UTC),
        ends_at=post.ends_at.astimezone(UTC) if post.ends_at else None,
        changed_at=min(post.changed_at, now).astimezone(UTC),
        is_over=is_over,
        service_ids=tuple(public_id(each) for each in about),
        service_names=tuple(shown[each] for each in about),
        updates=tuple(reversed(updates)),
    )
