"""Short ways to write schedules down in tests."""

from collections.abc import Iterable
from datetime import UTC, datetime, time

from opsknight.oncall.rotations import Layer, Length, Unit
from opsknight.oncall.schedules import Override, Schedule, Shift, shifts
from opsknight.oncall.wall_clock import Restriction, Weekday

WEEKLY = Length(count=1, unit=Unit.WEEKS)
DAILY = Length(count=1, unit=Unit.DAYS)


def at(text: str) -> datetime:
    """Read without the tz database: the offset is written out."""
    return datetime.fromisoformat(text).astimezone(UTC)


def hours(count: int) -> Length:
    return Length(count=count, unit=Unit.HOURS)


def only(start: str, end: str, *days: Weekday, end_day: Weekday | None = None) -> Restriction:
    return Restriction(
        days=days or tuple(Weekday),
        start=time.fromisoformat(start),
        end=time.fromisoformat(end),
        end_day=end_day,
    )


NIGHTS = only("22:00", "06:00")
WEEKEND = only("18:00", "08:00", Weekday.FRIDAY, end_day=Weekday.MONDAY)


def layer(
    *users: str,
    length: Length = DAILY,
    handoff: str = "09:00",
    start: str = "2026-01-05T09:00+00:00",
    end: str | None = None,
    restrictions: tuple[Restriction, ...] = (),
    priority: int = 0,
    layer_id: str = "primary",
) -> Layer:
    return Layer(
        id=layer_id,
        name=layer_id.title(),
        users=users,
        length=length,
        handoff=time.fromisoformat(handoff),
        start=at(start),
        end=at(end) if end else None,
        restrictions=restrictions,
        priority=priority,
    )


def schedule(*layers: Layer, zone: str = "UTC") -> Schedule:
    return Schedule(id="sch_1", name="Primary", zone=zone, layers=layers)


def override(
    user: str,
    start: str,
    end: str,
    *,
    replaces: str | None = None,
    created: str = "2026-01-01T00:00Z",
    override_id: str | None = None,
) -> Override:
    return Override(
        id=override_id or f"for {user}",
        user_id=user,
        replaces=replaces,
        start=at(start),
        end=at(end),
        created_at=at(created),
    )


def told(found: Iterable[Shift]) -> list[tuple[str, str, str]]:
    """Start and end as `01-05 09:00` in UTC, and the user."""
    return [(f"{s.start:%m-%d %H:%M}", f"{s.end:%m-%d %H:%M}", s.user_id) for s in found]


def between(
    plan: Schedule, start: str, end: str, *overrides: Override, disabled: Iterable[str] = ()
) -> list[tuple[str, str, str]]:
    return told(shifts(plan, overrides, at(start), at(end), disabled=frozenset(disabled)))
