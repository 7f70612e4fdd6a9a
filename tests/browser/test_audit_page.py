"""The audit log in a browser."""

from datetime import timedelta

from playwright.sync_api import Page, expect

from harness import audited
from harness.site import Site
from harness.world import World, deadline
from opsknight.directory.audit_log import AuditEntry, Author, Via
from opsknight.directory.entries import Role
from opsknight.directory.windows import MaintenanceWindow
from opsknight.incident.model import Actor, ActorKind
from opsknight.store import directory_items
from opsknight.store.audit_log import AuditLog
from opsknight.views import audited as acts
from tests.browser.test_journeys import checked, enter
from tests.integration.steps import put

BEN = Author(
    Actor(kind=ActorKind.API_KEY, id="key_ben", name="Ben (CI)"),
    Via.API,
    "192.0.2.44",
    user_id="user_ben",
)


def noted(world: World, entry: AuditEntry) -> None:
    AuditLog(world.table).note(entry, deadline())


def filled(served: Site) -> None:
    """Maintenance by Ben three days ago, and sixty holds of an operator since."""
    world, now = served.world, served.world.clock()
    served.desk.configured(users=["user_ada", "user_ben"], services=["svc_checkout"])
    start = now - timedelta(days=3)
    window = MaintenanceWindow(
        id="mw_1", start=start, end=start + timedelta(hours=2), reason="A new database"
    )
    noted(world, BEN.entry(acts.maintenance_planned(window, world.service), "aud_mw", start))
    for minute in range(60):
        entry = audited.entry()
        at = now - timedelta(minutes=minute + 1)
        noted(world, entry.model_copy(update={"at": at, "kind": "hold_begun"}))


def test_who_changed_what_is_found_by_filters_in_the_address(page: Page, served: Site) -> None:
    filled(served)
    enter(page, served)
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Audit").click()
    entries = page.get_by_role("list", name="What was done").locator("> li")
    # Her login is the newest.
    expect(entries.first).to_contain_text("Logged in")
    expect(entries.first).to_contain_text("in the console")
    expect(entries).to_have_count(50)
    page.get_by_role("button", name="Show more").click()
    expect(entries).to_have_count(62)
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()
    page.get_by_label("What was done").first.select_option("Maintenance and holds")
    expect(entries.first).to_contain_text("Hold begun")
    page.get_by_label("Who did it").select_option("Ben")
    expect(entries).to_have_count(1)
    expect(entries.first).to_contain_text("Maintenance planned: Checkout")
    expect(entries.first).to_contain_text("by Ben (CI) by the API from 192.0.2.44")
    expect(entries.first).to_contain_text("A new database")
    assert "actor=user_ben" in page.url and "kind=maintenance_planned" in page.url
    checked(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    # The address alone shows the same.
    page.reload()
    expect(entries).to_have_count(1)
    entries.first.get_by_role("link", name="Checkout").click()
    expect(page.get_by_text("Only about")).to_be_visible()
    expect(entries).to_have_count(1)
    yesterday = served.world.clock() - timedelta(days=1)
    page.get_by_label("From").fill(f"{yesterday:%Y-%m-%d}")
    expect(page.get_by_text("Nothing of it is in the log.")).to_be_visible()
    checked(page)


def test_a_user_is_told_that_the_page_is_not_theirs(page: Page, served: Site) -> None:
    ada = served.world.table.user("user_ada", deadline())
    assert ada
    put(served.world, directory_items.directory_item(ada.model_copy(update={"role": Role.USER})))
    enter(page, served)
    page.goto(f"{served.url}/console/audit")
    expect(page.get_by_text("This page is for the roles ADMIN and RESPONDER.")).to_be_visible()
    checked(page)
