"""The tables in which the week is played, and functions that are quick about it."""

from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any, Final, Self

from escalation.figures import Figures
from escalation.sweep import sweep
from harness.dynamodb import connect, make_table
from harness.pipeline import Pipeline
from harness.world import RETENTION, Clock, World, deadline
from opsknight.directory.entries import Service
from opsknight.runtime.wakeups import Budget, SweepShard
from opsknight.store.analytics import Analytics, Progress
from opsknight.store.calls import RATES_CONFIG, TABLE_CONFIG
from opsknight.store.counters import Counters
from opsknight.store.table import Table

DAYS: Final = 7
_BUDGET: Final = Budget(plans=50, pages=50, notices=50, pages_high=50)


class Quick(Pipeline):
    """Without the check of every invariant after every step, and with a sweep of a shard only when
    something in it is due: a week is no test of either, and has ten thousand ticks.
    """

    def wait(self, **duration: float) -> Self:
        end = self.world.clock() + timedelta(**duration)
        while True:
            due = {
                each["due_shard"]["S"]: datetime.fromisoformat(each["due_at"]["S"])
                for each in sorted(self._due(), key=lambda each: each["due_at"]["S"], reverse=True)
            }
            queued = [each.at for each in self.post.queued]
            now = max(min([end, *due.values(), *queued]), self.world.clock.at)
            self.world.clock.at = now
            for shard in [shard for shard, at in due.items() if at <= now]:
                sweep(self.engine, SweepShard(int(shard), now, budget=_BUDGET), deadline())
            self.settle()
            if now >= end:
                return self
            # What a sweep cannot settle now is looked at again by the next tick.
            self.world.clock.at += timedelta(seconds=5)

    def _due(self) -> list[dict[str, Any]]:
        return [each for each in self.world.items() if "due_shard" in each and "due_at" in each]

    def settle(self) -> Self:
        while self._stream() or self._deliver():
            while self._deliver():
                pass
        return self


def company(endpoint: str, end: datetime) -> World:
    """Empty tables in which the week begins."""
    client = connect(endpoint, TABLE_CONFIG)
    table = Table(client, make_table(client, "Table"), RETENTION)
    counters = Counters(connect(endpoint, RATES_CONFIG), make_table(client, "RatesTable"))
    begin = Clock(end.astimezone(UTC) - timedelta(days=DAYS))
    # The shortcuts of tests go nowhere: services and keys are those of the file.
    service = Service(id="svc_checkout", name="Checkout", team_id="team_shop")
    none = token_hex(16)
    return World(table, counters, begin, service, service, none, none, none, none, none, none)


def figure(world: World, since: datetime) -> None:
    """Lets the ticks of the nights after make the figures of all days that are over."""
    rows = Analytics(world.table)
    rows.advance(None, Progress(day=since.date()), deadline())
    seen = None
    while (progress := rows.progress(deadline())) != seen:
        seen = progress
        Figures(world.table, world.clock(), deadline()).attend()
