"""Which ticks of the minute's clock a night needs: without the others, a day passes in seconds."""

from datetime import datetime, timedelta
from typing import Any, Final

from escalation.budget import AHEAD
from harness.world import World

_MINUTE: Final = timedelta(minutes=1)
_LONG_AGO: Final = "2000-01-01T00:00:00Z"


def next_tick(world: World) -> datetime | None:
    """The next tick that finds something; None while nothing in the table has a due time."""
    found = world.items()
    # Without schedules there are no shifts to tell of.
    idle = not any("schedules" in item for item in found)
    due = [
        item["due_at"]["S"]
        for item in found
        if "due_at" in item and not (idle and item["kind"]["S"] == "roster")
    ]
    due += [at for item in found if (at := _fallback_due(item))]
    if not due:
        return None
    next_minute = world.clock.at.replace(second=0, microsecond=0) + _MINUTE
    first = datetime.fromisoformat(min(due)) - AHEAD
    return max(next_minute, first.replace(second=0, microsecond=0))


def _fallback_due(item: dict[str, Any]) -> str | None:
    """When the next message to the fallback address is due: each tick looks after it."""
    if item["kind"]["S"] != "fallback":
        return None
    if "lease_until" in item:
        lease: str = item["lease_until"]["S"]
        return lease
    return item.get("next_at", {"S": _LONG_AGO})["S"] if "asked" in item else None
