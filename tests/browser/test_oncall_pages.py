"""Who is on call: the calendar, and taking and handing over shifts."""

import re
from secrets import token_hex

from playwright.sync_api import Page, expect

from harness.site import Site
from harness.world import deadline
from opsknight.escalation.policy import Rota
from opsknight.oncall.rotations import Layer, Length, Unit
from opsknight.oncall.schedules import Schedule
from tests.browser.conftest import DESK
from tests.browser.test_journeys import checked, enter


def scheduled(served: Site) -> None:
    """Ben and Ada take turns by the week, and nobody before this one."""
    world = served.world
    layer = Layer(
        id="weekly",
        name="Weekly",
        users=("user_ben", "user_ada"),
        length=Length(count=1, unit=Unit.WEEKS),
        handoff=world.clock().time().replace(second=0, microsecond=0),
        start=world.clock().replace(second=0, microsecond=0),
    )
    schedule = Schedule(id="sch_web", name="Web", zone="UTC", layers=(layer,))
    world.table.create([schedule], {}, token_hex(8), deadline())
    served.desk.configured(schedules=["sch_web"], users=["user_ada", "user_ben"])


def rota(served: Site) -> Rota:
    found = served.world.table.rota("sch_web", deadline())
    assert found
    return found


def test_a_shift_is_taken_by_two_taps(page: Page, served: Site) -> None:
    scheduled(served)
    enter(page, served)
    page.get_by_role("link", name="On call").click()
    page.get_by_role("button", name="Take this shift").click()
    expect(page.locator(".preview")).to_contain_text("Ada instead of Ben")
    checked(page)
    page.get_by_role("button", name="Put on call").click()
    expect(page.locator(".holder")).to_contain_text("Ada (you)")
    [override] = rota(served).overrides
    assert (override.user_id, override.replaces, override.by) == ("user_ada", "user_ben", "Ada")


def test_a_shift_is_handed_over_by_keyboard(page: Page, served: Site) -> None:
    page.set_viewport_size(DESK)
    scheduled(served)
    enter(page, served)
    page.goto(f"{served.url}/console/oncall/sch_web")
    first = page.locator("[data-place='0-0']")
    expect(first).to_contain_text("Ben")
    checked(page)
    first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-place='0-1']")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator("[data-place='1-0']")).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    # Ada's own shift: only whom to hand it to is left to say.
    who = page.get_by_role("combobox", name="Who")
    expect(who).to_be_visible()
    who.focus()
    page.keyboard.type("Ben")
    expect(page.locator(".preview")).to_contain_text("Ben instead of Ada")
    checked(page)
    page.get_by_role("textbox", name="From").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    [override] = rota(served).overrides
    assert (override.user_id, override.replaces) == ("user_ben", "user_ada")
    expect(page.locator(".lanes .shift.override")).to_have_count(1)
    # It offers to end what is an override, before another one.
    page.locator(".lanes .shift.override").click()
    page.get_by_role("button", name="End it").click()
    expect(page.locator(".lanes .shift.override")).to_have_count(0)
    assert rota(served).overrides == ()


def test_a_phone_has_a_list_by_day(page: Page, served: Site) -> None:
    scheduled(served)
    enter(page, served)
    page.goto(f"{served.url}/console/oncall/sch_web")
    today = page.locator(".by-day > li").first
    expect(today).to_contain_text("Monday 23 November")
    expect(today).to_contain_text("Ben")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    checked(page)
    page.get_by_role("button", name="Earlier").click()
    expect(page.locator(".by-day .gap").first).to_contain_text("Nobody")
    page.get_by_role("button", name="Subscribe").click()
    expect(page.get_by_label("Address of the calendar")).to_have_value(re.compile(r"^http.*\.ics$"))
    checked(page)
