"""The configuration in a browser: edited, checked, planned, applied; and who owns it."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from harness import audited
from harness.shell import Shell
from harness.site import Site
from harness.world import deadline
from opsknight.directory.entries import SCOPES, Role
from opsknight.directory.sessions import RECENT
from opsknight.store import directory_items
from opsknight.store.sessions import Sessions
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


LOCKED = (
    FILE.replace("    team: ops\n", "    team: ops\n    policy: web\n")
    + """\
    receivers:
      chat: {channel: slack_webhook, secret: chat}
schedules:
  web: {zone: UTC, layers: {a: {users: [ann, bob], turn: 1d, handoff: "09:00", start: 2026-01-05}}}
policies:
  web: {steps: [{targets: [{schedule: web}]}]}
"""
)


def place(name: str, nth: int = 0) -> str:
    """Where the file has it, as the console says it."""
    found = [n for n, line in enumerate(LOCKED.splitlines(), 1) if line.strip().startswith(name)]
    return f"standard input:{found[nth]} has it"


def test_what_the_file_has_is_locked_everywhere_with_its_lines(page: Page, admin: Site) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    assert Shell(admin.world).opsknight("apply", "-", "--yes", stdin=LOCKED).code == 0
    enter(page, admin)
    for path, heading, at, yaml in (
        ("services/svc_shop", "shop", place("shop:"), "  shop:\n    team: ops\n"),
        ("services/svc_shop?tab=receivers", "shop", place("chat:"), "chat: {channel"),
        ("policies", "Policies", place("web:", 1), "policies:\n  web:\n"),
        ("oncall/sch_web", "web", place("web:"), "schedules:\n  web:\n"),
    ):
        page.goto(f"{admin.url}/console/{path}")
        expect(page.get_by_role("heading", name=heading).first).to_be_visible()
        page.get_by_text("In the configuration", exact=True).first.click()
        locked = page.locator(".locked[open]")
        expect(locked).to_contain_text(at)
        expect(locked).to_contain_text("by grace (AWS), revision 1")
        expect(locked.locator("pre")).to_contain_text(yaml)
        locked.get_by_role("button", name="Copy").click()
        expect(locked.get_by_text("Copied.")).to_be_visible()
        assert yaml in page.evaluate("navigator.clipboard.readText()")
        checked(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    page.goto(f"{admin.url}/console/people")
    team = page.get_by_role("list", name="Teams").get_by_role("listitem").filter(has_text="ops")
    team.get_by_text("In the configuration").click()
    expect(team).to_contain_text(place("ops:"))


def test_what_the_console_owns_leads_to_its_line(page: Page, admin: Site) -> None:
    key = admin.desk.key("ada", *SCOPES)
    body = {"text": LOCKED, "revision": 0}
    assert admin.desk.call("POST", "/api/configuration/apply", body, key=key).status == 200
    enter(page, admin)
    page.goto(f"{admin.url}/console/policies")
    page.get_by_text("In the configuration").click()
    page.get_by_role("link", name="Change it in the configuration").click()
    text = page.get_by_label(AREA)
    expect(text).to_be_focused()
    chosen = text.evaluate("it => it.value.slice(it.selectionStart - 10, it.selectionEnd)")
    assert chosen == "policies:\n  web:"


def test_a_user_is_shown_no_part_of_it(page: Page, served: Site) -> None:
    enter(page, served, "ben")
    page.get_by_role("link", name="Policies").click()
    expect(page.get_by_role("heading", name="Who would be paged?")).to_be_visible()
    expect(page.get_by_text("In the configuration")).to_be_hidden()


def test_a_draft_is_for_its_writer_alone(page: Page, admin: Site) -> None:
    bob = admin.world.table.user("user_ben", deadline())
    assert bob
    item = directory_items.directory_item(bob.model_copy(update={"role": Role.ADMIN}))
    admin.world.table.put_all([item], deadline())
    opened(page, admin)
    page.get_by_label(AREA).fill(FILE)
    [session] = Sessions(admin.world.table).of("user_ada", deadline())
    Sessions(admin.world.table).end("user_ada", session.id, deadline(), audit=audited.entry())
    admin.world.clock.advance(seconds=31)
    # The next one in the same tab.
    page.goto(admin.login("ben"))
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Configuration").click()
    expect(page.get_by_label(AREA)).not_to_have_value(FILE)
    assert "bob@example.com" not in page.evaluate("JSON.stringify({...sessionStorage})")


def test_nothing_of_a_draft_stays_behind_who_logs_out(page: Page, admin: Site) -> None:
    opened(page, admin)
    page.get_by_label(AREA).fill(FILE)
    assert "bob@example.com" in page.evaluate("JSON.stringify({...sessionStorage})")
    page.get_by_role("link", name="Ada").click()
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(re.compile("/auth/login$"))
    assert "bob@example.com" not in page.evaluate("JSON.stringify({...sessionStorage})")


def test_what_is_typed_while_it_applies_is_not_lost(page: Page, admin: Site) -> None:
    opened(page, admin)
    text = page.get_by_label(AREA)
    text.fill(FILE)
    page.get_by_role("button", name="Plan").click()
    expect(page.get_by_role("list", name="Changes")).to_be_visible()

    def typed(route: Route) -> None:
        text.fill(f"{FILE}# More\n")
        route.continue_()

    page.route("**/api/configuration/apply", typed)
    page.get_by_role("button", name="Apply", exact=True).click()
    expect(page.get_by_text("Applied: revision 1.")).to_be_visible()
    expect(text).to_have_value(f"{FILE}# More\n")


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
