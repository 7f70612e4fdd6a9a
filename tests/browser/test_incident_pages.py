"""What people do with many incidents, with old ones, and with the receipt of one."""

import re

from playwright.sync_api import Page, expect

from harness.site import Site
from harness.world import deadline, http_event
from opsknight.incident.commands import Resolve
from opsknight.incident.model import Status
from tests.browser.conftest import DESK
from tests.browser.test_journeys import checked, enter, opened, row
from tests.integration.steps import do, incident


def test_all_that_match_are_acknowledged_also_those_not_shown(page: Page, served: Site) -> None:
    page.set_viewport_size(DESK)
    other = opened(served, "Something else")
    made = [opened(served, f"Probe {number} fails") for number in range(202)]
    enter(page, served)
    expect(page.get_by_text("the 50 most pressing of more than 200")).to_be_visible()
    page.get_by_role("checkbox").first.check()
    page.get_by_role("searchbox").fill("probe")
    expect(page).to_have_url(re.compile("q=probe"))
    page.get_by_role("button", name="choose all that match").click()
    expect(page.get_by_text("202 chosen")).to_be_visible()
    page.get_by_role("region", name="Act on").get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("202 chosen")).to_have_count(0, timeout=20_000)
    states = {incident(served.world, each).status for each in made}
    assert states == {Status.ACKNOWLEDGED}
    assert incident(served.world, other).status is Status.OPEN


def test_what_was_resolved_is_found_by_a_word(page: Page, served: Site) -> None:
    pay, slow = opened(served, "Customers cannot pay"), opened(served, "Search is slow")
    for each in (pay, slow):
        do(served.world, each, Resolve())
        served.world.clock.advance(minutes=1)
    enter(page, served)
    page.get_by_role("button", name="Resolved").click()
    titles = page.locator(".rows .title")
    expect(titles).to_have_text(["Search is slow", "Customers cannot pay"])
    page.get_by_label("Order").select_option("oldest")
    expect(titles).to_have_text(["Customers cannot pay", "Search is slow"])
    page.get_by_role("searchbox").fill("slow")
    expect(titles).to_have_text(["Search is slow"])
    checked(page)
    # All of it is in the address.
    page.reload()
    expect(titles).to_have_text(["Search is slow"])
    page.get_by_role("searchbox").fill("nothing has this")
    expect(page.get_by_text("No resolved incident matches.")).to_be_visible()


def test_one_is_opened_by_hand(page: Page, served: Site) -> None:
    served.desk.configured(services=["svc_checkout"])
    enter(page, served)
    page.get_by_role("button", name="New incident").click()
    page.get_by_role("combobox", name="Service").select_option("svc_checkout")
    page.get_by_label("What is wrong").fill("The shop is down")
    checked(page)
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The shop is down")
    expect(page.locator(".timeline")).to_contain_text("Opened by Ada")


def test_the_receipt_says_which_message_was_acted_on(page: Page, served: Site) -> None:
    known = opened(served)
    link = served.desk.link(known)
    headers = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    served.desk.send(http_event(path=link, method="GET", headers=headers))
    served.desk.press(link, "acknowledge")
    enter(page, served)
    page.get_by_role("link", name="Customers").click()
    receipt = page.locator(".receipt")
    expect(receipt).to_contain_text("link opened")
    expect(receipt).to_contain_text("acknowledged from it by Ada")
    page.locator(".alert summary").click()
    page.get_by_role("button", name="The event as it was received").click()
    expect(page.get_by_label("As it was received")).to_contain_text('"dedup_key"')
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as Markdown").click()
    text = download.value.path().read_text(encoding="utf-8")
    assert text.startswith("# Customers cannot pay")
    assert "acknowledged from it by Ada" in text
    checked(page)


def test_a_note_for_status_pages_is_one(page: Page, served: Site) -> None:
    known = opened(served)
    enter(page, served)
    page.goto(f"{served.url}/console/incidents/{known}")
    page.get_by_label("Note").fill("We are looking.")
    page.get_by_label("Status pages show it, too").check()
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("on status pages")).to_be_visible()
    *_, note = served.world.table.changes(known, deadline())
    assert note.detail == {"note": "We are looking.", "public": "yes"}


def test_rows_stay_under_the_pointer(page: Page, served: Site) -> None:
    page.set_viewport_size(DESK)
    first = opened(served)
    enter(page, served)
    row(page, first).hover()
    second = opened(served, "A second one")
    do(served.world, first, Resolve())
    page.clock.run_for(16_000)
    expect(page.get_by_role("button", name="1 new incident: show")).to_be_visible()
    expect(row(page, first)).to_contain_text("no longer in this list")
    expect(row(page, first).get_by_role("button", name="Acknowledge")).to_have_count(0)
    page.get_by_role("button", name="1 new incident: show").click()
    expect(row(page, second)).to_be_visible()
    expect(row(page, first)).to_have_count(0)


def test_many_are_worked_by_keyboard(page: Page, served: Site) -> None:
    page.set_viewport_size(DESK)
    made = [opened(served, f"Probe {number} fails") for number in range(3)]
    enter(page, served)
    page.on("dialog", lambda asked: asked.accept())
    expect(page.locator(".row")).to_have_count(3)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("choose all shown")
    checked(page)
    page.keyboard.press("Escape")
    page.keyboard.press("*")
    expect(page.get_by_text("3 chosen")).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator(".status.ACKNOWLEDGED")).to_have_count(3)
    page.keyboard.press("j")
    page.keyboard.press("r")
    expect(page.get_by_role("button", name="1 no longer in this list")).to_be_visible()
    states = [incident(served.world, each).status for each in made]
    assert states.count(Status.RESOLVED) == 1


def test_a_tab_from_before_a_deploy_goes_on(page: Page, served: Site) -> None:
    known = opened(served)
    enter(page, served)
    # The files that it was made of are gone: whatever is still to come must not need them.
    page.route("**/console/**", lambda route: route.fulfill(status=404, body="gone"))
    row(page, known).get_by_role("link").click()
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.locator(".tags").first).to_contain_text("ACKNOWLEDGED")
    page.get_by_role("link", name="On call").click()
    expect(page.get_by_role("heading", name="You")).to_be_visible()
    page.get_by_role("link", name="Incidents").first.click()
    expect(row(page, known)).to_be_visible()
