"""`apply` against death, rivals and time: whatever comes between its writes, the configuration
stays valid, and another run completes it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from typing import Any

import pytest

from harness import audited
from harness.crowd import at_once
from harness.dynamodb import connect
from harness.faults import DEATHS, Died, Fault, Point, Process
from harness.world import World, build, deadline
from opsknight.config.configuration import Configuration
from opsknight.config.lint import dangling
from opsknight.config.ownership import Applied, Side
from opsknight.files.checking import check
from opsknight.files.describing import described
from opsknight.files.reading import read
from opsknight.store.calls import TABLE_CONFIG
from opsknight.store.configurations import Configurations
from opsknight.store.half_applied import Overtaken
from opsknight.store.plans import Plan, carry_out, plan

# As few as there can be: a new version of a policy is two writes, and keys go with their owner.
FEW = 2

BEFORE = """
users:
  ada: {email: ada@x.org, role: ADMIN}
  ben: {email: ben@x.org, role: RESPONDER}
teams:
  web: {members: {ada: , ben: }}
  old: {members: {ben: }}
schedules:
  web: {zone: UTC, layers: {a: {users: [ada, ben], turn: 1w, handoff: "09:00", start: 2026-01-05}}}
policies:
  web: {steps: [{targets: [{schedule: web}]}, {after: 5m, targets: [{user: ben}]}]}
services:
  shop: {team: web, policy: web, integrations: {prom: Prometheus}}
  attic: {team: old, integrations: {mail: Mail}, receivers: {c: {channel: discord, secret: c}}}
status_pages:
  public: {services: [shop, attic]}
"""
# Takes ben out of everything and adds cleo in one go, and moves what refers to what.
AFTER = """
users:
  ada: {email: ada@x.org, role: ADMIN}
  cleo: {email: cleo@x.org, role: RESPONDER}
teams:
  web: {members: {ada: , cleo: }}
  data: {members: {cleo: }}
schedules:
  web: {zone: UTC, layers: {a: {users: [ada, cleo], turn: 1w, handoff: "09:00", start: 2026-01-05}}}
  data: {zone: UTC, layers: {a: {users: [cleo], turn: 1w, handoff: "09:00", start: 2026-01-05}}}
policies:
  web: {steps: [{targets: [{schedule: web}]}, {after: 5m, targets: [{team: data}]}]}
  data: {steps: [{targets: [{schedule: data}]}]}
services:
  shop: {team: data, policy: data, integrations: {prom: Prometheus, logs: Logs}}
  lake: {team: data, policy: web, receivers: {c: {channel: discord, secret: c}}}
status_pages:
  public: {services: [lake, shop]}
"""

BY = Applied(Side.FILE, "Ada")
_tokens = count()


def configuration(text: str, now: datetime) -> Configuration:
    checked = check(read({"opsknight.yaml": text}), now)
    assert checked.errors == ()
    return checked.configuration


def planned(world: World, text: str) -> Plan:
    configurations = Configurations(world.table, most_writes=FEW)
    now = world.clock()
    return plan(
        configurations, configuration(text, now), prune=True, now=now, deadline=deadline(60)
    )


def apply(world: World, text: str) -> None:
    configurations = Configurations(world.table, most_writes=FEW)
    made = planned(world, text)
    if not made.is_empty:
        token = f"{text == BEFORE}{next(_tokens)}"
        carry_out(configurations, made, BY, world.clock(), token, deadline(60), audit=audited.entry)


def live(world: World) -> Configuration:
    return Configurations(world.table).read(deadline()).configuration


def is_as(world: World, text: str) -> bool:
    return described(live(world)) == described(configuration(text, world.clock()))


@dataclass(frozen=True)
class Death:
    fault: Fault
    at: Point


def test_it_can_die_at_every_call_and_be_run_again(
    dynamodb: str, full_size: bool, say: Callable[[str], None]
) -> None:
    listing = Process()
    listing.watching = True
    world = build(dynamodb)
    apply(world, BEFORE)
    apply(listing.runs(world, dynamodb), AFTER)
    assert is_as(world, AFTER)
    world.close()
    writes = [point for point in listing.calls if point.operation == "TransactWriteItems"]
    assert len(writes) >= 10, "so many transactions that much lies between them"
    points = listing.calls if full_size else writes
    for at in points:
        for fault in DEATHS:
            world = build(dynamodb)
            apply(world, BEFORE)
            process = Process(fault, at)
            process.watching = True
            with pytest.raises(Died):
                apply(process.runs(world, dynamodb), AFTER)
            assert list(dangling(live(world))) == [], f"{fault} at {at}"
            apply(world, AFTER)
            assert is_as(world, AFTER), f"{fault} at {at}"
            assert planned(world, AFTER).is_empty
            world.close()
    say(f"apply died {2 * len(points)} deaths in {len(writes)} transactions")


def test_of_two_at_once_one_is_refused_or_the_later_one_holds(
    dynamodb_server: str, full_size: bool, say: Callable[[str], None]
) -> None:
    world = build(dynamodb_server)
    refused = 0

    def attempt(text: str) -> str | None:
        process = Process()
        try:
            apply(process.runs(world, dynamodb_server), text)
        except Overtaken:
            return None
        return text

    for _ in range(40 if full_size else 8):
        done = at_once([lambda: attempt(BEFORE), lambda: attempt(AFTER)])
        finished = [text for text in done if text is not None]
        refused += 2 - len(finished)
        assert finished, "one of them is never disturbed to its end"
        found = live(world)
        assert list(dangling(found)) == []
        assert any(is_as(world, text) for text in finished)
    say(f"{refused} of the rivals were refused")


def test_a_rival_between_any_two_writes_wins(dynamodb: str) -> None:
    """The one who is overtaken has left valid things, and the rival's plan knew of them."""
    number, refused = 1, 0
    while True:
        world = build(dynamodb)
        apply(world, BEFORE)
        rival = Rival(world, number)
        mine = replace(world.table, client=connect(dynamodb, TABLE_CONFIG))
        events: Any = mine.client.meta.events
        events.register("before-call.dynamodb.TransactWriteItems", rival.comes)
        try:
            apply(replace(world, table=mine), AFTER)
        except Overtaken as overtaken:
            refused += 1
            assert overtaken.done >= number - 1
            assert is_as(world, BEFORE)
        else:
            assert rival.calls < number, "it came after the last write"
            assert is_as(world, AFTER)
            break
        world.close()
        number += 1
    assert refused >= 10


@dataclass
class Rival:
    """Applies another file just before somebody's `number`th write."""

    world: World
    number: int
    calls: int = 0

    def comes(self, **_: object) -> None:
        self.calls += 1
        if self.calls == self.number:
            apply(self.world, BEFORE)
            # The same file over the same things is no change; it has to be one.
            apply(self.world, BEFORE + "  third: {services: [shop]}\n")
            apply(self.world, BEFORE)


def test_what_was_planned_before_another_apply_is_refused_whole(world: World) -> None:
    configurations = Configurations(world.table)
    early = planned(world, BEFORE)
    apply(world, AFTER)
    with pytest.raises(Overtaken) as refused:
        carry_out(
            configurations, early, BY, world.clock(), "early", deadline(), audit=audited.entry
        )
    assert refused.value.done == 0
    assert is_as(world, AFTER)
