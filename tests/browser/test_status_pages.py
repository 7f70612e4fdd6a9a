"""A public status page in a browser: without a script, by keyboard, on a phone and on a desk.

With GOLDEN=write, the picture in the documents is taken anew: look at it.
"""

import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, Route, ViewportSize, expect

from harness import audited
from harness.publisher import BASE, Publisher
from harness.site import Site
from harness.world import World, deadline
from local.programs import ROOT
from opsknight.publishing.posts import Phase, PostKind, State, Update, updated
from opsknight.store.posts import Posts
from tests.browser.conftest import DESK, PHONE
from tests.browser.test_journeys import checked, enter, opened

FOLDER = ROOT / ".local" / "screens"
IN_DOCUMENTS = ROOT / "docs" / "images" / "status-page.png"
HOME = f"{BASE}/status/example"


@pytest.fixture
def publisher(world: World) -> Publisher:
    """A page with some weeks behind it, trouble now, and maintenance to come."""
    made = Publisher(world)
    payments, reports = world.service.id, world.other_service.id
    made.publish("Example shop", [payments, reports], names={payments: "Payments"})
    now = world.clock.at
    for days, state, minutes in (
        (61, State.PARTIAL, 50),
        (20, State.DOWN, 95),
        (4, State.DEGRADED, 134),
    ):
        world.clock.at = now - timedelta(days=days)
        post = made.say("Reports are late", {reports: state})
        world.clock.advance(minutes=minutes)
        say(made, post.id, "All reports are up to date.", Phase.RESOLVED)
    world.clock.at = now
    post = made.say("Payments by card fail for some", {payments: State.DOWN})
    made.say(
        "A new database",
        {reports: State.MAINTENANCE},
        "Reports stop for an hour.",
        kind=PostKind.MAINTENANCE,
        starts_at=now + timedelta(days=2),
        ends_at=now + timedelta(days=2, hours=1),
    )
    world.clock.advance(minutes=8)
    text = "The cause is found: a provider refuses cards of one kind."
    say(made, post.id, text, Phase.IDENTIFIED, {payments: State.PARTIAL})
    made.render()
    return made


def say(
    publisher: Publisher,
    post_id: str,
    text: str,
    phase: Phase,
    states: dict[str, State] | None = None,
) -> None:
    update = Update(at=publisher.world.clock(), text=text, phase=phase)
    posts = Posts(publisher.world.table)
    posts.change(
        publisher.page_id,
        post_id,
        lambda it: updated(it, update, states),
        deadline(),
        audit=audited.entry,
    )


def serve(page: Page, publisher: Publisher) -> Page:
    """Answers every request of the browser as the function does, its headers included."""

    def answer(route: Route) -> None:
        found = publisher.get(route.request.url.removeprefix(BASE))
        route.fulfill(status=found.status, headers=found.headers, body=found.text)

    page.route("**/*", answer)
    return page


@pytest.fixture
def plain(browser: Browser, publisher: Publisher) -> Iterator[Page]:
    """On a phone that runs no script."""
    with browser.new_context(viewport=PHONE, java_script_enabled=False) as context:
        yield serve(context.new_page(), publisher)


def test_a_page_is_read_without_a_script(plain: Page) -> None:
    plain.goto(HOME)
    expect(plain.get_by_role("heading", level=1)).to_have_text("Some systems are partly down")
    expect(plain.get_by_text("a provider refuses cards")).to_be_visible()
    assert plain.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    plain.get_by_role("link", name="Payments by card fail for some").click()
    expect(plain.get_by_role("heading", level=1)).to_have_text("Payments by card fail for some")
    plain.get_by_role("link", name="All of Example shop").click()
    plain.get_by_role("link", name="History").first.click()
    expect(plain.get_by_role("heading", level=1)).to_have_text("History of November 2026")
    plain.get_by_role("link", name="← September 2026").first.click()
    expect(plain.get_by_text("All reports are up to date.")).to_be_visible()


def test_the_bars_are_read_by_keyboard_and_the_table_says_the_same(plain: Page) -> None:
    plain.goto(HOME)
    bars = plain.get_by_role("group", name="Reports, day by day").get_by_role("radio")
    expect(bars).to_have_count(90)
    bars.last.focus()
    for _ in range(4):
        plain.keyboard.press("ArrowLeft")
    chosen = plain.get_by_role("radio", checked=True)
    expect(chosen).to_have_accessible_name("19 Nov: degraded, 2 h 14 min")
    plain.keyboard.press("Tab")
    expect(plain.locator("summary")).to_be_focused()
    plain.keyboard.press("Enter")
    row = plain.get_by_role("row").filter(has_text="19 Nov 2026")
    expect(row).to_contain_text("Reports")
    expect(row).to_contain_text("2 h 14 min")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_every_document_is_accessible(
    browser: Browser,
    publisher: Publisher,
    size: ViewportSize,
    scheme: Literal["light", "dark"],
) -> None:
    with browser.new_context(viewport=size, color_scheme=scheme, device_scale_factor=2) as context:
        page = serve(context.new_page(), publisher)
        page.goto(HOME)
        page.locator("summary").click()
        checked(page)
        where = f"{'phone' if size == PHONE else 'desk'}-{scheme}"
        if os.environ.get("GOLDEN") == "write":
            page.locator("summary").click()
            page.screenshot(path=FOLDER / f"status-{where}.png", full_page=True)
            if where == "desk-light":
                page.screenshot(path=IN_DOCUMENTS)
        if scheme == "light":
            page.get_by_role("link", name="A new database").click()
            checked(page)
            page.goto(f"{HOME}/history/2026-11")
            checked(page)


def test_somebody_tells_customers_from_the_incident_on_a_phone(page: Page, served: Site) -> None:
    publisher = Publisher(served.world)
    publisher.publish("Example shop", names={served.world.service.id: "Payments"})
    incident_id = opened(served, "p99 of pay() above 30 s on web-01")
    enter(page, served)
    page.goto(f"{served.url}/console/incidents/{incident_id}")
    part = page.locator("section.publish")
    expect(part).to_contain_text("shows Payments as operational: nobody has posted.")
    part.get_by_text("Tell customers").click()
    checked(page)
    part.get_by_label("What customers notice").fill("Payments are slow")
    part.get_by_label("How the service is").select_option("Partly down")
    part.get_by_role("button", name="Publish on Example shop").click()
    expect(part.get_by_role("status")).to_have_text("Posted. The page has it within seconds.")
    expect(part).to_contain_text("Payments are slow, since")
    publisher.render()
    assert "Payments are slow" in publisher.get().text
    assert "p99" not in publisher.get().text
    part.get_by_text("Say more, or that it is over").click()
    checked(page)
    part.get_by_label("What you say about it").fill("All payments work again.")
    part.get_by_label("How far you are").select_option("Resolved: it is over")
    part.get_by_role("button", name="Publish that it is over").click()
    expect(part).to_contain_text("nobody has posted")
    publisher.seconds += 10
    publisher.render()
    assert "All systems operational" in publisher.get().text
    assert "All payments work again." in publisher.get().text


def test_health_says_what_is_wrong_and_where_to_mend_it(page: Page, served: Site) -> None:
    users = ["user_ada", "user_ben", "user_eve"]
    served.desk.configured(services=["svc_checkout"], teams=["team_web"], users=users)
    enter(page, served)
    page.get_by_role("link", name="Health").click()
    wrong = page.get_by_role("list", name="What is wrong")
    expect(wrong).to_contain_text("Services without a policy page their whole team at once")
    expect(wrong).to_contain_text("Add a policy to each in the configuration.")
    page.get_by_text("are fine").click()
    checked(page)
    page.get_by_role("link", name="To your contact methods").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ada")
