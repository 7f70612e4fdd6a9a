"""What judging a page reads: its own deliveries, however many people a step pages, and of the other
pages of the step only as many as tell that not all of them have failed.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest

from harness.pipeline import Pipeline, step
from harness.post import PAGES, PAGES_HIGH
from harness.world import World, deadline
from opsknight.escalation.pages import Page, PageState
from opsknight.incident.model import Timer
from tests.integration.wire import Wire

ORDERS: dict[str, Callable[[list[Page]], Sequence[Page]]] = {
    "in order": lambda pages: pages,
    "backwards": lambda pages: pages[::-1],
    "from both ends": lambda pages: [
        each for pair in zip(pages, pages[::-1], strict=True) for each in pair
    ][: len(pages)],
    "from the middle": lambda pages: sorted(
        pages, key=lambda each: abs(pages.index(each) - len(pages) // 2)
    ),
    "anyhow": lambda pages: Random(7).sample(pages, len(pages)),
}


def told_by_nobody(world: World, people: int) -> tuple[Pipeline, str, list[Page]]:
    """A step whose pages nobody has tried to send, when it is too late for that."""
    night = Pipeline(world, down=frozenset({PAGES, PAGES_HIGH}))
    names = [f"u{number:03}" for number in range(people)]
    night.people(*names)
    night.escalates(step(*names), step("u000", after=60))
    incident = night.trigger()
    pages = world.table.pages(incident, deadline())
    assert len(pages) == people
    world.clock.advance(minutes=8)
    return night, incident, pages


def is_stepping(world: World, incident_id: str) -> bool:
    incident = world.table.incident(incident_id, deadline())
    assert incident is not None
    return incident.timers[Timer.STEP] <= world.clock()


@pytest.mark.parametrize("order", ORDERS)
def test_pages_that_fail_read_few_others_each(world: World, order: str) -> None:
    night, incident, pages = told_by_nobody(world, 80)
    rows: list[int] = []

    def heard(parsed: dict[str, Any], **_: object) -> None:
        rows.append(len(parsed["Items"]))

    world.table.client.meta.events.register("after-call.dynamodb.Query", heard)
    *others, last = ORDERS[order](pages)
    for page in others:
        night.planning.page_tracker.page(page, deadline())
    assert not is_stepping(world, incident)
    # All of the step for each of them were 6,400.
    assert sum(rows) < 20 * len(pages)
    night.planning.page_tracker.page(last, deadline())
    assert is_stepping(world, incident)
    assert sum(rows) < 24 * len(pages)


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_that_fail_at_the_same_instant_one_moves_the_step_on(
    world: World, first: int
) -> None:
    night, incident, pages = told_by_nobody(world, 2)
    for page in pages:
        assert night.planning.paging.mark_failed(page, world.clock(), deadline())
    marked = world.table.pages(incident, deadline())
    assert all(page.state is PageState.FAILED for page in marked)
    night.planning.page_tracker.page(marked[first], deadline())
    assert is_stepping(world, incident)


def test_judging_a_page_reads_its_own_deliveries_only(world: World) -> None:
    night = Pipeline(world)
    names = [f"u{number}" for number in range(12)]
    night.people(*names)
    night.escalates(step(*names))
    incident = night.trigger()
    pages = world.table.pages(incident, deadline())
    assert len(pages) == len(names)
    assert all(page.delivery_ids for page in pages)
    world.clock.advance(minutes=5)
    wire = Wire(world.table.client)
    for page in pages:
        night.planning.page_tracker.page(page, deadline())
    named = [
        *(sent["Key"] for sent in wire.sent if sent.get("Key")),
        *(
            key
            for sent in wire.sent
            for table in sent.get("RequestItems", {}).values()
            for key in table["Keys"]
        ),
    ]
    # Beside the incident only whether everything is on hold, once in ten seconds.
    read = [key["sk"]["S"] for key in named if key["pk"]["S"].startswith("incident#")]
    assert len(named) <= len(read) + 1
    assert "Query" not in wire.calls
    planned = [each for page in pages for each in page.delivery_ids or ()]
    assert sorted(read) == sorted(f"delivery#{each}" for each in planned)
    assert len(planned) < 3 * len(names)
