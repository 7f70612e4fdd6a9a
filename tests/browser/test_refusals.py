"""What the server refuses, and a server that cannot answer: said in words, with nothing feigned."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from playwright.sync_api import Page, expect

from harness.site import Site
from harness.world import deadline
from opsknight.directory.entries import Role
from opsknight.incident.model import Status
from opsknight.store import directory_items
from tests.browser.conftest import DESK
from tests.browser.test_journeys import checked, enter, opened, row
from tests.integration.steps import incident

pytestmark = pytest.mark.screens


def made(served: Site, user: str, **changes: Any) -> None:
    """Changes what the table has of somebody."""
    found = served.world.table.user(f"user_{user}", deadline())
    assert found
    item = directory_items.directory_item(found.model_copy(update=changes))
    served.world.table.put_all([item], deadline())


@contextmanager
def without_a_store(served: Site) -> Iterator[None]:
    """No call to DynamoDB is answered, and the function gives up soon."""

    def away(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    desk, events = served.desk, served.world.table.client.meta.events
    before, desk.function = desk.function, desk.responder(patience=0.05)
    events.register("before-call.dynamodb", away)
    try:
        yield
    finally:
        events.unregister("before-call.dynamodb", away)
        desk.function = before


def test_a_store_that_is_away_is_said_and_nothing_can_be_done_until_it_is_back(
    page: Page, served: Site
) -> None:
    known = opened(served)
    enter(page, served)
    away = "OpsKnight cannot reach its store just now."
    acknowledge = row(page, known).get_by_role("button", name="Acknowledge")
    with without_a_store(served):
        acknowledge.click()
        expect(row(page, known)).to_contain_text(away)
        for _ in range(3):
            page.clock.run_for(15_000)
        bar = page.get_by_role("alert")
        expect(bar).to_contain_text(away)
        expect(bar).to_contain_text("nothing can be done from here now")
        expect(acknowledge).to_be_disabled()
        # The list stays, and says how old it is.
        expect(page.get_by_text("as of")).to_be_visible()
        checked(page)
    assert incident(served.world, known).status is Status.OPEN
    bar.get_by_role("button", name="Try again").click()
    expect(bar).to_have_count(0)
    acknowledge.click()
    expect(row(page, known)).to_contain_text("ACKNOWLEDGED")


def test_a_user_is_refused_what_is_another_teams(page: Page, served: Site) -> None:
    known = opened(served)
    made(served, "ben", team_ids=())
    enter(page, served, "ben")
    expect(page.get_by_text("Nothing is active.")).to_be_visible()
    page.goto(f"{served.url}/console/incidents/{known}")
    expect(page.get_by_role("alert")).to_contain_text("access denied")
    expect(page.get_by_role("button", name="Acknowledge")).to_be_hidden()
    checked(page)


def test_who_is_no_administrator_any_more_is_refused_and_keeps_the_text(
    page: Page, served: Site
) -> None:
    made(served, "ada", role=Role.ADMIN)
    enter(page, served)
    page.get_by_role("link", name="Configuration").click()
    text = page.get_by_label("Configuration, as YAML")
    mine = "users:\n  ann: {email: ann@example.com, role: ADMIN}\n"
    text.fill(mine)
    page.get_by_role("button", name="Plan").click()
    expect(page.get_by_role("list", name="Changes")).to_be_visible()
    made(served, "ada", role=Role.RESPONDER)
    served.world.clock.advance(seconds=31)
    page.get_by_role("button", name="Apply", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Configuration access denied")
    expect(text).to_have_value(mine)
    assert served.world.table.user("user_ann", deadline()) is None


def test_what_failed_stays_chosen_with_its_note(page: Page, served: Site) -> None:
    page.set_viewport_size(DESK)
    for title in ("A probe fails", "Another one, too"):
        opened(served, title)
    enter(page, served)
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="choose all 2").click()
    page.get_by_label("Note on each").fill("One switch.")
    acknowledge = page.get_by_role("region", name="Act on").get_by_role(
        "button", name="Acknowledge"
    )
    with without_a_store(served):
        acknowledge.click()
        expect(page.locator(".outcome.refused")).to_have_count(2)
    expect(page.get_by_text("2 chosen")).to_be_visible()
    expect(page.get_by_label("Note on each")).to_have_value("One switch.")
    acknowledge.click()
    expect(page.locator(".status.ACKNOWLEDGED")).to_have_count(2)
    expect(page.get_by_label("Note on each")).to_have_count(0)
