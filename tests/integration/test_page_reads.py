"""What judging a page reads: its own deliveries, however many people a step pages."""

from harness.pipeline import Pipeline, step
from harness.world import World, deadline
from tests.integration.wire import Wire


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
