"""The configuration in a browser: edited, checked, planned, applied; and who owns it."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from harness.shell import Shell
from harness.site import Site
from harness.world import deadline
from opsknight.directory.entries import SCOPES, Role
from opsknight.directory.sessions import RECENT
from opsknight.store import directory_items
from tests.browser.test_journeys import checked, enter

FILE = """\
users:
  ann: {email: ann@example.com, role: ADMIN}
  bob:
    email: bob@example.com
    role: RESPONDER
    contact_methods:
      phone: {channel: sms, to: "+4915112345678"}
teams:
  ops:
    members: {ann: , bob: }
services:
  shop:
    team: ops
    integrations: {nagios: Nagios}
"""
AREA = "Configuration, as YAML"


@pytest.fixture
def admin(served: Site) -> Site:
    """Ada may apply."""
    ada = served.world.table.user("user_ada", deadline())
    assert ada
    item = directory_items.directory_item(ada.model_copy(update={"role": Role.ADMIN}))
    served.world.table.put_all([item], deadline())
    return served


def opened(page: Page, served: Site, user: str = "ada") -> None:
    enter(page, served, user)
    page.get_by_role("link", name="Configuration").click()
    expect(page.get_by_role("heading", name="Configuration", exact=True)).to_be_visible()


def test_a_mistake_is_found_and_mended_planned_and_applied(page: Page, admin: Site) -> None:
    opened(page, admin)
    expect(page.get_by_text("Nothing has been applied yet")).to_be_visible()
    text = page.get_by_label(AREA)
    text.fill(FILE.replace("team: ops", "team: opps"))
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("The text cannot be applied yet.")).to_be_visible()
    checked(page)
    page.get_by_role("button", name="Line 13").click()
    chosen = text.evaluate("it => it.value.slice(it.selectionStart, it.selectionEnd)")
    assert chosen == "    team: opps"
    # From here by keyboard: the line is selected, and typed over.
    page.keyboard.type("    team: ops")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Plan")).to_be_focused()
    page.keyboard.press("Enter")
    changes = page.get_by_role("list", name="Changes")
    expect(changes.get_by_text("services.shop", exact=True)).to_be_visible()
    expect(changes.get_by_text("new", exact=True).first).to_be_visible()
    checked(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Apply", exact=True).click()
    expect(page.get_by_text("Applied: revision 1.")).to_be_visible()
    expect(page.get_by_text("The console owns the configuration")).to_be_visible()
    page.get_by_text("Revision 1,").click()
    expect(page.get_by_text("users.ann")).to_be_visible()
    service = admin.world.table.service("svc_shop", deadline())
    assert service and service.team_id == "team_ops"
    checked(page)


def test_what_was_overtaken_is_not_applied(page: Page, admin: Site) -> None:
    key = admin.desk.key("ada", *SCOPES)
    first = {"text": FILE, "revision": 0}
    assert admin.desk.call("POST", "/api/configuration/apply", first, key=key).status == 200
    opened(page, admin)
    text = page.get_by_label(AREA)
    mine = FILE.replace("bob@", "rob@")
    text.fill(mine)
    page.get_by_role("button", name="Plan").click()
    expect(page.locator("del", has_text="bob@example.com")).to_be_visible()
    expect(page.locator("ins", has_text="rob@example.com")).to_be_visible()
    theirs = {"text": FILE.replace("ann@", "anne@"), "revision": 1}
    assert admin.desk.call("POST", "/api/configuration/apply", theirs, key=key).status == 200
    page.get_by_role("button", name="Apply", exact=True).click()
    refused = page.get_by_role("alert")
    expect(refused).to_contain_text("The configuration has changed since")
    expect(text).to_have_value(mine)
    # The new plan shows what this text would undo.
    page.get_by_role("button", name="Plan").click()
    expect(page.locator("del", has_text="anne@example.com")).to_be_visible()
    page.get_by_role("button", name="Apply", exact=True).click()
    expect(page.get_by_text("Applied: revision 3.")).to_be_visible()


def test_what_a_file_owns_is_taken_over_by_a_word(page: Page, admin: Site) -> None:
    applied = Shell(admin.world).opsknight("apply", "-", "--yes", stdin=FILE)
    assert applied.code == 0
    opened(page, admin)
    expect(page.get_by_text("A file owns the configuration")).to_be_visible()
    expect(page.get_by_text("grace (AWS)").first).to_be_visible()
    page.get_by_role("button", name="Plan").click()
    expect(page.get_by_text("Nothing would change.")).to_be_visible()
    apply = page.get_by_role("button", name="Take over and apply")
    expect(apply).to_be_disabled()
    checked(page)
    page.get_by_label(re.compile("^Take over")).check()
    apply.click()
    expect(page.get_by_text("The console owns the configuration")).to_be_visible()
    expect(page.get_by_text("who took it over")).to_be_visible()
    refused = Shell(admin.world).opsknight("apply", "-", "--yes", stdin=FILE + "# More\n")
    assert refused.code == 0, "nothing to change"
    assert Shell(admin.world).opsknight("apply", "-", "--yes", stdin=FILE[:-8]).code == 1


def test_after_a_long_time_it_asks_who_it_is_and_keeps_the_text(page: Page, admin: Site) -> None:
    opened(page, admin)
    page.get_by_label(AREA).fill(FILE)
    admin.world.clock.at += RECENT + timedelta(minutes=1)
    page.get_by_role("button", name="Plan").click()
    page.get_by_role("button", name="Apply", exact=True).click()
    expect(page.get_by_role("link", name="Log in again")).to_be_visible()
    page.reload()
    expect(page.get_by_label(AREA)).to_have_value(FILE)


def test_a_responder_reads_it_without_addresses(page: Page, admin: Site) -> None:
    assert Shell(admin.world).opsknight("apply", "-", "--yes", stdin=FILE).code == 0
    opened(page, admin, "bob")
    text = page.get_by_label(AREA)
    expect(text).not_to_be_editable()
    expect(text).to_have_value(re.compile("phone: "))
    expect(text).not_to_have_value(re.compile(r"\+4915112345678"))
    expect(page.get_by_role("button", name="Plan")).to_be_hidden()
    expect(page.get_by_text("Revision 1,")).to_be_visible()
    checked(page)


def test_a_user_has_no_such_page(page: Page, served: Site) -> None:
    enter(page, served, "ben")
    expect(page.get_by_role("link", name="Health")).to_be_visible()
    expect(page.get_by_role("link", name="Configuration")).to_be_hidden()
    page.goto(f"{served.url}/console/configuration")
    expect(page.get_by_text("This page is for the roles")).to_be_visible()
