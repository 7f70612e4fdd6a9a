"""Heartbeats: which have never beaten, so that nobody is paged for them, and which are down or
late. Pure.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from opsknight.config.configuration import Configuration, slug_of
from opsknight.directory.heartbeats import Pulse, PulseState, state
from opsknight.health.findings import Finding, named, ok, warning

# Two flights of the canary are then heard within what counts as a silence of our own.
OFTEN_ENOUGH: Final = 5


def findings(
    configuration: Configuration,
    pulses: Mapping[tuple[str, str], Pulse],
    now: datetime,
    canary_minutes: int = OFTEN_ENOUGH,
) -> Finding:
    """`pulses` by service and integration, of those that have beaten or failed; `canary_minutes`
    is how often the canary flies, 0 for never.
    """
    by_state: dict[PulseState, set[str]] = defaultdict(set)
    for each in configuration.integrations.values():
        service = configuration.services[each.service_id]
        if each.heartbeat is not None and not service.disabled:
            paused = service.window_at(now) is not None
            found = state(pulses.get((each.service_id, each.id)), paused, now)
            by_state[found].add(f"{slug_of(each.id)} of service {slug_of(each.service_id)}")
    if silent := by_state[PulseState.WAITING]:
        said = (
            "Nobody is paged for a heartbeat before it has beaten once, and these never have: "
            f"{named(silent)}."
        )
        mend = "Let each sender fetch its address (`opsknight heartbeats show` has it)."
        return warning("heartbeats", said, mend)
    if down := by_state[PulseState.DOWN] | by_state[PulseState.LATE]:
        said = f"Down or late: {named(down)}."
        return warning("heartbeats", said, "`opsknight heartbeats show` says since when.")
    count = sum(map(len, by_state.values()))
    if count and not 0 < canary_minutes <= OFTEN_ENOUGH:
        flies = f"flies every {canary_minutes} minutes" if canary_minutes else "never flies"
        said = (
            f"The canary {flies}. Where no other sender is heard for seven minutes, OpsKnight takes"
            " the silence for its own, and a heartbeat pages up to an hour late."
        )
        return warning("heartbeats", said, f"Deploy with CanaryMinutes={OFTEN_ENOUGH}.")
    return ok("heartbeats", f"All {count} beat." if count else "There are none.")
