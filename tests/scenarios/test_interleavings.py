"""Events and commands at the same time are answered as if one had come after the other."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from secrets import token_hex

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from harness.background import AtOnce, Busy
from harness.conflicts import Conflicts
from harness.crowd import at_once
from harness.dynamodb import connect
from harness.invariants import check
from harness.model import Seen, in_some_order
from harness.people import ADA, COMMANDS, came_to
from harness.processes import announce
from harness.turns import Turns
from harness.world import World, build, deadline, event
from opsknight.incident.decisions import Transitioned
from opsknight.incident.lifecycle import act
from opsknight.store.calls import TABLE_CONFIG, Conflict

ACTIONS = st.sampled_from(["trigger", "trigger", "acknowledge", "resolve"])
DEDUP_KEYS = ("disk", "disk#full")
# What one client does, one after the other: (an event's action or a command, dedup key).
WISHES = st.one_of(ACTIONS, ACTIONS, st.sampled_from(["snooze", "suppress", "unsuppress", "plan"]))
type Programs = list[list[tuple[str, str]]]
type Crowd = Callable[[Sequence[Callable[[], dict[str, list[Seen]]]]], list[dict[str, list[Seen]]]]
PROGRAM = st.lists(st.tuples(WISHES, st.sampled_from(DEDUP_KEYS)), min_size=1, max_size=5)


@dataclass
class Client:
    """One thread: a monitor with a warm function of its own, and now and then a person."""

    world: World
    key: str
    program: list[tuple[str, str]]
    background: type[ThreadPoolExecutor] = ThreadPoolExecutor
    seen: dict[str, list[Seen]] = field(default_factory=lambda: defaultdict(list))

    def run(self) -> dict[str, list[Seen]]:
        api = self.world.api()
        api = replace(api, intake=replace(api.intake, background=self.background(2)))
        for asked, dedup_key in self.program:
            began = time.monotonic()
            if asked in ("trigger", "acknowledge", "resolve"):
                body = event(asked, dedup_key, service_id=self.world.service.id)
                answer = self.world.send(body, key=self.key, api=api)
                assert answer.status == 202
                told = answer.body["result"].get("incident", {})
                said = answer.action, told.get("id"), told.get("status")
            else:
                said = self.person(asked, dedup_key)
            if asked != "plan":
                self.seen[dedup_key].append(Seen(asked, *said, began, time.monotonic()))
        return self.seen

    def person(self, asked: str, dedup_key: str) -> tuple[str, str | None, str | None]:
        """Reads and decides anew until nobody came between."""
        while True:
            pointer = self.world.table.pointer(self.world.service.id, dedup_key, deadline())
            if pointer is None:
                return "nobody", None, None
            if asked == "plan":
                announce(pointer.id, self.world)
                return "planned", None, None
            incident = self.world.table.incident(pointer.id, deadline())
            assert incident is not None
            command = COMMANDS[asked](self.world.clock)
            outcome = act(incident, command, actor=ADA, now=self.world.clock.at)
            if not isinstance(outcome, Transitioned):
                return came_to(outcome), incident.id, incident.status
            try:
                self.world.table.apply(outcome, token_hex(8), deadline())
            except Conflict:
                continue
            return "moved", incident.id, outcome.after.status


def some_order_explains(
    world: World,
    programs: Programs,
    run: Crowd,
    backgrounds: Sequence[type[ThreadPoolExecutor]] = (ThreadPoolExecutor,),
) -> None:
    """Linearizable for each key: no two of the clients see different histories."""
    keys = [world.integration_key, world.second_integration_key, world.api_key]
    clients = [
        Client(world, keys[number % 3], each, backgrounds[number % len(backgrounds)])
        for number, each in enumerate(programs)
    ]
    histories: dict[str, list[Seen]] = defaultdict(list)
    for seen in run([client.run for client in clients]):
        for dedup_key, some in seen.items():
            histories[dedup_key] += some
    found = check(world)
    for history in histories.values():
        assert in_some_order(history), history
    every = [seen for history in histories.values() for seen in history]
    triggers = Counter(seen.id for seen in every if seen.asked == "trigger")
    assert triggers == {name: len(alerts) for name, alerts in found.alerts.items()}


@pytest.mark.soak
def test_any_order_of_their_calls_gives_the_answers_of_some_order_of_events(
    dynamodb_server: str, phases: tuple[Phase, ...]
) -> None:
    """Clients take turns at each DynamoDB call, as Hypothesis says; of the two writes of a merge,
    it says which comes first.
    """

    @settings(max_examples=settings().max_examples // 2, phases=phases)
    @given(
        programs=st.lists(PROGRAM, min_size=2, max_size=4),
        order=st.lists(st.integers(0, 3), max_size=60),
        backgrounds=st.lists(st.sampled_from([AtOnce, Busy]), min_size=4, max_size=4),
    )
    def property(
        programs: Programs, order: list[int], backgrounds: list[type[ThreadPoolExecutor]]
    ) -> None:
        turns = Turns(order)
        client = turns.watch(connect(dynamodb_server, TABLE_CONFIG))
        world = build(client=client, rates_client=connect(dynamodb_server, TABLE_CONFIG))
        some_order_explains(world, programs, turns.run, backgrounds)
        world.close()

    property()


@pytest.mark.soak
@pytest.mark.parametrize("conflicting", [False, True], ids=["as MiniStack is", "conflicting"])
def test_any_race_gives_the_answers_of_some_order_of_events(
    dynamodb_server: str, conflicting: bool, phases: tuple[Phase, ...]
) -> None:
    """The same with threads that run as they can."""

    @settings(max_examples=settings().max_examples // 4, phases=phases)
    @given(programs=st.lists(PROGRAM, min_size=2, max_size=4))
    def property(programs: Programs) -> None:
        client = connect(dynamodb_server, TABLE_CONFIG)
        if conflicting:
            Conflicts(hold=0.002).watch(client)
        world = build(client=client, rates_client=connect(dynamodb_server, TABLE_CONFIG))
        some_order_explains(world, programs, at_once)
        world.close()

    property()
