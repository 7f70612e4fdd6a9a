"""EventBridge's schedules: a tick in each period, and what may happen to one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from harness.simulation.hub import Hub
from harness.simulation.journal import Journal
from harness.simulation.weather import Weather

# It may come within its minute, and once more after that.
LATEST: Final = 90.0


@dataclass(frozen=True, repr=False)
class Ticks:
    every: float
    """Seconds."""
    wake: Callable[[Mapping[str, Any]], None]
    hub: Hub
    weather: Weather
    journal: Journal

    def begin(self) -> None:
        self.hub.later(self.hub.chance.uniform(0, self.every), self._tick)

    def _tick(self) -> None:
        self.hub.later(self.every, self._tick)
        weather, chance = self.weather, self.hub.chance.random
        if weather.lost_tick and chance() < weather.lost_tick:
            self.journal.note(self.hub.now, "a tick does not come")
            return
        wake = partial(self.wake, {"time": f"{self.hub.time:%Y-%m-%dT%H:%M:%SZ}"})
        twice = weather.doubled_tick and chance() < weather.doubled_tick
        for _ in range(2 if twice else 1):
            late = weather.late_tick and chance() < weather.late_tick
            seconds = self.hub.chance.uniform(0, LATEST) if late else 0.0
            if late or twice:
                self.journal.note(self.hub.now, f"a tick comes {seconds:.0f} s late, or twice")
            self.hub.later(seconds, wake)
