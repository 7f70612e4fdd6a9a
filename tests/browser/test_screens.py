"""Pictures of every page with the week that `make run` begins with, on a phone and on a desk, light
and dark: for people to look at.

`make screens` puts them into `.local/screens`; with GOLDEN=write also the one in the README.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from harness import embedded
from harness.pipeline import Pipeline
from harness.site import Site, site
from harness.week.director import played
from harness.week.scenes import SCENES
from harness.world import empty
from local.programs import ROOT
from opsknight.store.wire import plain
from tests.browser.conftest import DESK, PHONE
from tests.browser.test_journeys import enter
from tests.browser.test_setup_page import CREATE, fill, first, onwards, stands

FOLDER = ROOT / ".local" / "screens"
IN_README = ROOT / "docs" / "images" / "console.png"
END = datetime(2026, 11, 27, 10, 20, tzinfo=UTC)
PAYMENTS, SEARCH = (
    next(each.title for each in SCENES if word in each.title)
    for word in ("card charges", "Search answers")
)
PAGES = {
    "incidents": "incidents",
    "resolved": "incidents?view=resolved",
    "oncall": "oncall",
    "schedule": "oncall/sch_follow-the-sun",
    "services": "services",
    "service": "services/svc_payments?tab=integrations",
    "receivers": "services/svc_payments?tab=receivers",
    "maintenance": "services/svc_database?tab=maintenance",
    "policies": "policies",
    "people": "people",
    "heartbeats": "heartbeats",
    "analytics": "analytics",
    "audit": "audit",
    "analytics-people": "analytics?by=person",
    "analytics-keys": "analytics?by=key",
    "health": "health",
    "configuration": "configuration",
    "me": "me",
}


@pytest.fixture(scope="module")
def week() -> Iterator[Site]:
    world = played(embedded.endpoint(), END).world
    # What came in last came half a minute ago.
    world.clock.advance(seconds=30)
    with site(world) as served:
        yield served


def look(page: Page, name: str, where: str) -> None:
    page.wait_for_load_state("networkidle")
    path = FOLDER / f"{name}-{where}.png"
    page.screenshot(path=path, full_page=True, timeout=120_000)
    assert path.stat().st_size > 10_000


@pytest.mark.screens
# Large pictures, drawn without a graphics card.
@pytest.mark.timeout(900)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_every_page_is_looked_at(
    browser: Browser, week: Site, size: ViewportSize, scheme: Literal["light", "dark"]
) -> None:
    incidents = [plain(each) for each in week.world.items() if each["kind"]["S"] == "incident"]
    ids = {each["title"]: each["id"] for each in incidents}
    pages = PAGES | {"incident": f"incidents/{ids[PAYMENTS]}"}
    pages |= {"incident-open": f"incidents/{ids[SEARCH]}"}
    scale = 2 if size == PHONE else 1
    where = f"{'phone' if size == PHONE else 'desk'}-{scheme}"
    with browser.new_context(
        viewport=size, color_scheme=scheme, device_scale_factor=scale
    ) as context:
        page = context.new_page()
        page.goto(f"{week.url}/auth/login")
        look(page, "login", where)
        enter(page, week)
        for name, at in pages.items():
            page.goto(f"{week.url}/console/{at}")
            look(page, name, where)
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], name
            if name == "incidents" and where == "phone-light" and os.environ.get("GOLDEN"):
                page.screenshot(path=IN_README)


@pytest.mark.screens
@pytest.mark.timeout(900)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_every_step_of_the_set_up_is_looked_at(
    browser: Browser, size: ViewportSize, scheme: Literal["light", "dark"]
) -> None:
    world = empty(embedded.endpoint())
    night = Pipeline(world)
    where = f"{'phone' if size == PHONE else 'desk'}-{scheme}"
    scale = 2 if size == PHONE else 1
    with (
        site(world) as served,
        browser.new_context(
            viewport=size, color_scheme=scheme, device_scale_factor=scale, locale="en-GB"
        ) as context,
    ):
        page = context.new_page()
        first(page, served)
        fill(page, Your_name="Ada Lovelace", Time_zone="Europe/London")
        look(page, "setup-1-you", where)
        onwards(page, "Your team")
        fill(page, Name_of_the_team="Payments")
        page.get_by_role("button", name="Add a colleague").click()
        page.get_by_label("Name", exact=True).fill("Ben Ruiz")
        page.get_by_label("E-mail address").fill("ben@")
        page.get_by_role("button", name="Continue").click()
        look(page, "setup-2-team", where)
        page.get_by_label("E-mail address").fill("ben@example.com")
        onwards(page, "Who is paged")
        page.get_by_role("button", name="Then somebody else").click()
        look(page, "setup-3-paging", where)
        onwards(page, "Your first service")
        fill(page, Name_of_the_service="Checkout", What_sends_its_events="Prometheus")
        page.get_by_text("What is added").click()
        look(page, "setup-4-service", where)
        page.get_by_role("button", name=CREATE).click()
        stands(page, "The integration key")
        page.get_by_role("button", name="Make the key").click()
        page.get_by_role("button", name="Copy key").wait_for()
        look(page, "setup-5-key", where)
        onwards(page, "Does it reach you?")
        page.get_by_role("button", name="Send a test event").click()
        page.get_by_role("button", name="Acknowledge it here").wait_for()
        night.wait(seconds=1)
        page.clock.run_for(2_500)
        page.get_by_text("taken by the provider").wait_for()
        look(page, "setup-6-test", where)
        page.get_by_role("button", name="Acknowledge it here").click()
        page.get_by_role("button", name="Finish").click()
        stands(page, "It works")
        page.get_by_label("The configuration, as YAML").wait_for()
        look(page, "setup-7-done", where)
