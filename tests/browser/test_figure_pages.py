"""Heartbeats and analytics, in a browser; and the ways to pages that are not of the console."""

from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, expect

from harness.settings import configure
from harness.site import Site
from harness.world import http_event
from opsknight.config.configuration import key_of
from opsknight.directory.heartbeats import Heartbeat
from opsknight.directory.integrations import Integration
from opsknight.directory.status_pages import PublicPage, StatusPage
from opsknight.store import directory_items
from tests.browser.test_journeys import checked, enter
from tests.integration.test_analytics import a_day, figure


def beats(served: Site) -> None:
    """Two of Checkout: a backup that beats, and a job that nobody has heard of yet."""
    world = served.world
    every = Heartbeat(every=timedelta(minutes=5))
    backup = Integration(
        id="int_prometheus", service_id="svc_checkout", name="Backup", heartbeat=every
    )
    job = Integration(id="int_job", service_id="svc_checkout", name="Import", heartbeat=every)
    for each in (job, backup):
        configure(world, each)
    served.desk.configured(
        services=["svc_checkout"], users=["user_ada"], integrations=[*map(key_of, (backup, job))]
    )
    world.clock.advance(minutes=2)
    path = f"/heartbeat/{world.integration_key}"
    assert world.request(http_event("", path=path)).status == 200


def test_what_falls_silent_is_seen(page: Page, served: Site) -> None:
    beats(served)
    enter(page, served)
    page.get_by_role("link", name="Heartbeats").click()
    cards = page.get_by_role("list", name="Heartbeats").locator("> li")
    expect(cards.filter(has_text="Backup")).to_contain_text("Beating")
    # What needs somebody comes first.
    expect(cards.first).to_contain_text("Import")
    expect(cards.first).to_contain_text("Waiting for the first beat")
    checked(page)
    cards.first.get_by_text("How its sender beats").click()
    expect(cards.first).to_contain_text("/heartbeat/KEY")
    served.world.clock.advance(minutes=20)
    page.clock.run_for(20 * 60_000)
    page.get_by_role("button", name="Look again").click()
    expect(cards.filter(has_text="Backup")).to_contain_text("Late")
    expect(page.get_by_role("status").first).to_contain_text("1 of 2 needs somebody")
    checked(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_figures_lead_to_their_incidents(page: Page, served: Site) -> None:
    a_day(served.world)
    figure(served.world)
    served.world.clock.at = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    served.desk.configured(services=["svc_checkout"], users=["user_ada"], teams=["team_web"])
    enter(page, served)
    page.get_by_role("link", name="Analytics").click()
    tiles = page.locator(".tiles")
    expect(tiles).to_contain_text("Incidents")
    expect(tiles.get_by_role("link", name="6", exact=True)).to_be_visible()
    checked(page)
    page.get_by_role("button", name="Keys").click()
    expect(page.get_by_role("row").filter(has_text="Disk 1 is full")).to_contain_text("2")
    checked(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    # The address says what is shown, and the file has the same rows.
    address = page.url
    file = page.get_by_role("link", name="CSV").get_attribute("href")
    csv = page.request.get(f"{served.url}{file}")
    assert csv.ok
    assert "Disk 1 is full" in csv.text()
    page.goto(address)
    expect(page.get_by_role("button", name="Keys")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Services").click()
    tiles.get_by_role("link", name="6", exact=True).click()
    expect(page.get_by_role("listitem").filter(has_text="Disk 1 is full").first).to_be_visible()


def test_the_page_that_is_open_is_in_view_on_a_phone(page: Page, served: Site) -> None:
    enter(page, served)
    names = page.get_by_role("navigation", name="Pages")
    expect(names.get_by_role("link", name="Health")).not_to_be_in_viewport()
    page.goto(f"{served.url}/console/health")
    expect(names.get_by_role("link", name="Health")).to_be_in_viewport(ratio=1)
    expect(names.get_by_role("link", name="Incidents")).not_to_be_in_viewport()
    names.get_by_role("link", name="Analytics").click()
    expect(names.get_by_role("link", name="Analytics")).to_be_in_viewport(ratio=1)


def test_public_status_pages_are_a_step_away(page: Page, served: Site) -> None:
    shown = StatusPage(
        id="page_shop",
        name="Example shop",
        service_ids=("svc_checkout",),
        webhooks=(),
        public=PublicPage(names={"svc_checkout": "Paying"}),
    )
    table = served.world.table
    table.client.put_item(TableName=table.name, Item=directory_items.directory_item(shown))
    served.desk.configured(
        services=["svc_checkout"], users=["user_ada"], status_pages=["page_shop"]
    )
    enter(page, served)
    page.get_by_role("link", name="Services").click()
    link = page.get_by_role("link", name="Example shop")
    expect(link).to_have_attribute("href", "/status/shop")
    expect(page.get_by_role("listitem").filter(has_text="Example shop")).to_contain_text("Paying")
    checked(page)
