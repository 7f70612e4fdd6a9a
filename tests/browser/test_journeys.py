"""What people do in the console, in a browser."""

import re
from secrets import token_hex
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from harness import audited
from harness.site import Site
from harness.world import deadline, event
from opsknight.directory.sessions import COOKIE
from opsknight.incident.commands import Acknowledge, Resolve
from opsknight.incident.model import Status
from opsknight.oncall.rotations import Layer, Length, Unit
from opsknight.oncall.schedules import Schedule
from opsknight.store.sessions import Sessions
from tests.browser.conftest import DESK
from tests.integration.steps import do, incident

AXE = Axe()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def opened(served: Site, title: str = "Customers cannot pay", severity: str = "critical") -> str:
    details = {"p99 seconds": 31, "trace": "TimeoutError\n  at pay()"}
    payload = {
        "summary": title,
        "source": "shop",
        "severity": severity,
        "custom_details": details | {"runbook": "https://runbooks.example.com/checkout"},
    }
    sent = event(dedup_key=f"k{token_hex(6)}", payload=payload)
    found: str = served.world.send(sent).incident["id"]
    served.world.clock.advance(seconds=1)
    return found


def enter(page: Page, served: Site, user: str = "ada") -> None:
    """Logs in by a link. From then on the browser's clock is that of the world."""
    page.clock.install(time=served.world.clock())
    page.goto(served.login(user))
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("live,")).to_be_visible()


def row(page: Page, incident_id: str) -> Any:
    return page.locator(f'[data-id="{incident_id}"]')


def checked(page: Page) -> None:
    """No violation of WCAG 2.2 AA."""
    found = AXE.run(page, options={"runOnly": {"type": "tag", "values": RULES}})
    assert found.violations_count == 0, found.generate_report()


def test_one_logs_in_on_a_phone_and_acknowledges(page: Page, served: Site) -> None:
    known = opened(served)
    enter(page, served)
    expect(page).to_have_url(re.compile(r"/console/incidents$"))
    checked(page)
    row(page, known).get_by_role("button", name="Acknowledge").click()
    expect(row(page, known)).to_contain_text("ACKNOWLEDGED")
    expect(row(page, known)).to_contain_text("Ada")
    assert incident(served.world, known).assignee_id == "user_ada"
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390, "nothing sticks out"


def test_an_incident_shows_the_whole_receipt(page: Page, served: Site) -> None:
    known = opened(served, "Сервис недоступен: оплата не проходит")
    served.desk.delivery(known)
    enter(page, served)
    page.get_by_role("link", name="Сервис").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Сервис недоступен: оплата не проходит"
    )
    expect(page.get_by_role("link", name="Runbook").first).to_have_attribute(
        "href", "https://runbooks.example.com/checkout"
    )
    expect(page.locator(".receipt")).to_contain_text("Ada")
    expect(page.locator(".details").first).to_contain_text("p99 seconds: 31")
    page.get_by_label("Note").fill("It is the payment provider.")
    page.get_by_role("button", name="Add").click()
    expect(page.locator(".timeline")).to_contain_text("Ada: It is the payment provider.")
    checked(page)
    page.go_back()
    expect(page).to_have_url(re.compile(r"/console/incidents$"))


def test_a_lost_connection_is_no_acknowledgement(page: Page, served: Site) -> None:
    known = opened(served)
    enter(page, served)

    def cut(route: Route) -> None:
        route.abort("connectionfailed")

    page.route("**/api/**", cut)
    row(page, known).get_by_role("button", name="Acknowledge").click()
    expect(row(page, known)).to_contain_text("There is no connection to the server.")
    expect(row(page, known)).not_to_contain_text("ACKNOWLEDGED")
    assert incident(served.world, known).status is Status.OPEN
    # Polls go on, and after three nothing can be done from a list that old.
    for _ in range(3):
        page.clock.run_for(15_000)
    expect(page.get_by_role("alert")).to_contain_text("nothing can be done from here")
    expect(row(page, known).get_by_role("button", name="Acknowledge")).to_be_disabled()
    page.unroute("**/api/**")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    row(page, known).get_by_role("button", name="Acknowledge").click()
    expect(row(page, known)).to_contain_text("ACKNOWLEDGED")


def test_whoever_was_faster_is_named_by_the_state(page: Page, served: Site) -> None:
    known = opened(served)
    enter(page, served)
    do(served.world, known, Resolve())
    row(page, known).get_by_role("button", name="Acknowledge").click()
    expect(row(page, known)).to_contain_text("not done: it is RESOLVED by now")
    page.get_by_role("button", name="1 no longer in this list: tidy up").click()
    expect(page.get_by_text("Nothing is active")).to_be_visible()
    other = opened(served)
    page.clock.run_for(16_000)
    row(page, other).get_by_role("link").click()
    expect(page.get_by_role("button", name="Resolve")).to_be_enabled()
    do(served.world, other, Resolve())
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("not done: it is RESOLVED by now")).to_be_visible()


def test_fifty_are_acknowledged_with_one_note(page: Page, served: Site) -> None:
    page.set_viewport_size(DESK)
    made = [opened(served, f"Probe {number} fails") for number in range(60)]
    enter(page, served)
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="choose all 50").click()
    page.get_by_label("Note on each").fill("One switch.")
    checked(page)
    page.get_by_role("region", name="Act on").get_by_role("button", name="Acknowledge").click()
    expect(page.locator(".status.ACKNOWLEDGED")).to_have_count(50)
    states = [incident(served.world, each).status for each in made]
    assert (states.count(Status.ACKNOWLEDGED), states.count(Status.OPEN)) == (50, 10)
    *_, note = served.world.table.changes(made[-1], deadline())
    assert "One switch." in note.detail.values()


def test_rows_stay_while_somebody_chooses(page: Page, served: Site) -> None:
    page.set_viewport_size(DESK)
    first = opened(served)
    enter(page, served)
    row(page, first).get_by_role("checkbox").check()
    second = opened(served, "A second one")
    page.clock.run_for(16_000)
    expect(page.get_by_role("button", name="1 new incident: show")).to_be_visible()
    expect(row(page, second)).to_have_count(0)
    page.get_by_role("button", name="1 new incident: show").click()
    expect(row(page, second)).to_be_visible()


def test_a_list_is_worked_by_keyboard(page: Page, served: Site) -> None:
    page.set_viewport_size(DESK)
    older, newer = opened(served), opened(served, "A newer one")
    enter(page, served)
    expect(row(page, newer)).to_be_visible()
    page.keyboard.press("a")
    page.keyboard.press("j")
    expect(row(page, newer).get_by_role("link")).to_be_focused()
    page.keyboard.press("a")
    expect(row(page, newer)).to_contain_text("ACKNOWLEDGED")
    assert incident(served.world, older).status is Status.OPEN, "no key acts without a row"
    page.keyboard.press("/")
    page.keyboard.type("newer")
    expect(page).to_have_url(re.compile("q=newer"))
    expect(page.locator(".row")).to_have_count(1)


def test_a_shift_is_handed_over(page: Page, served: Site) -> None:
    world = served.world
    layer = Layer(
        id="weekly",
        name="Weekly",
        users=("user_ada",),
        length=Length(count=1, unit=Unit.WEEKS),
        handoff=world.clock().time(),
        start=world.clock(),
    )
    schedule = Schedule(id="sch_web", name="Web", zone="UTC", layers=(layer,))
    world.table.create([schedule], {}, token_hex(8), deadline())
    served.desk.configured(schedules=["sch_web"], users=["user_ada", "user_ben"])
    enter(page, served)
    page.get_by_role("link", name="On call").click()
    expect(page.locator(".mine")).to_contain_text("Web")
    page.get_by_role("button", name="Put somebody else on call").click()
    page.get_by_role("combobox", name="Who").select_option("user_ben")
    page.get_by_role("combobox", name="Instead of").select_option("user_ada")
    page.get_by_label("From").fill("2026-11-23T18:00")
    page.get_by_label("Until").fill("2026-11-24T09:00")
    expect(page.locator(".preview")).to_contain_text("Ben instead of Ada, 23 Nov 18:00")
    checked(page)
    page.get_by_role("button", name="Put on call").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    rota = world.table.rota("sch_web", deadline())
    assert rota
    [override] = rota.overrides
    assert (override.user_id, override.replaces) == ("user_ben", "user_ada")


def test_maintenance_begins_and_ends(page: Page, served: Site) -> None:
    served.desk.configured(services=["svc_checkout"])
    enter(page, served)
    page.get_by_role("link", name="Services").click()
    page.get_by_text("Begin maintenance").click()
    page.get_by_label("Reason").fill("A new database")
    checked(page)
    page.get_by_role("button", name="Begin", exact=True).click()
    expect(page.get_by_text("In maintenance until")).to_be_visible()
    assert served.world.table.service("svc_checkout", deadline()).window_at(served.world.clock())  # type: ignore[union-attr]
    served.world.clock.advance(minutes=1)
    page.clock.run_for(60_000)
    page.get_by_role("button", name="End it now").click()
    expect(page.get_by_text("Begin maintenance")).to_be_visible()


def test_an_ended_session_leads_to_the_login(page: Page, served: Site) -> None:
    opened(served)
    enter(page, served)
    [session] = Sessions(served.world.table).of("user_ada", deadline())
    Sessions(served.world.table).end("user_ada", session.id, deadline(), audit=audited.entry())
    served.world.clock.advance(seconds=31)
    page.clock.run_for(31_000)
    expect(page.get_by_role("heading")).to_have_text("Log in")
    expect(page).to_have_url(re.compile(r"/auth/login$"))
    checked(page)


def test_what_somebody_writes_is_not_lost_with_their_session(page: Page, served: Site) -> None:
    known = opened(served)
    enter(page, served)
    row(page, known).get_by_role("link").click()
    page.get_by_label("Note").fill("It is the payment provider.")
    [session] = Sessions(served.world.table).of("user_ada", deadline())
    Sessions(served.world.table).end("user_ada", session.id, deadline(), audit=audited.entry())
    served.world.clock.advance(seconds=31)
    page.clock.run_for(31_000)
    bar = page.locator(".stale")
    expect(bar).to_contain_text("You are logged out.")
    expect(page.get_by_role("button", name="Acknowledge")).to_be_disabled()
    expect(page.get_by_label("Note")).to_have_value("It is the payment provider.")
    bar.get_by_role("link", name="Log in").click()
    expect(page.get_by_role("heading")).to_have_text("Log in")
    assert known in page.url, "and from there back to it"


def test_one_logs_out(page: Page, served: Site) -> None:
    enter(page, served)
    page.get_by_role("link", name="Ada").click()
    expect(page.get_by_text("this one")).to_be_visible()
    checked(page)
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(re.compile("/auth/login$"))
    assert COOKIE not in {each["name"] for each in page.context.cookies()}
    assert Sessions(served.world.table).of("user_ada", deadline()) == []


@pytest.mark.parametrize("title", ["<img src=x onerror=alert(1)>", "\u202eevil\u202c <b>x</b>"])
def test_a_title_is_text_whatever_is_in_it(page: Page, served: Site, title: str) -> None:
    known = opened(served, title)
    do(served.world, known, Acknowledge(by="user_ada"))
    enter(page, served)
    expect(row(page, known).get_by_role("link")).to_have_text(title)
    assert page.locator("img").count() == 0
