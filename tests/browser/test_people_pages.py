"""People, and what they change of themselves, in a browser."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from harness.pipeline import Pipeline
from harness.processes import LINK_KEY
from harness.site import Site
from harness.world import deadline
from opsknight.config.last_apply import LastApply
from opsknight.directory.receivers import Channel, Receiver
from opsknight.store import directory_items
from opsknight.store.last_applies import LastApplies
from tests.browser.test_journeys import checked, enter
from tests.browser.test_oncall_pages import scheduled


@pytest.fixture
def night(served: Site) -> Iterator[Pipeline]:
    """What is sent arrives at a listener."""
    night, desk = Pipeline(served.world), served.desk
    desk.ssm.put_parameter(Name=desk.key_name, Value=LINK_KEY.hex(), Type="SecureString")
    desk.post = night.post
    desk.function = desk.responder()
    desk.configured(
        services=["svc_checkout"],
        users=["user_ada", "user_ben"],
        teams=["team_web"],
        schedules=["sch_web"],
    )
    scheduled(served)
    yield night


def test_a_number_is_added_by_its_code_and_used_by_a_rule(
    page: Page, served: Site, night: Pipeline
) -> None:
    enter(page, served)
    page.get_by_role("link", name="Ada").click()
    page.get_by_role("button", name="Add a contact method").click()
    page.get_by_label("Number, with its country").fill("+49 151 12345678")
    page.get_by_label("Name").fill("Mobile")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("waits for its code")).to_be_visible()
    checked(page)
    # The code is on its way without another press.
    expect(page.get_by_text("On its way.")).to_be_visible()
    night.wait(seconds=1)
    [heard] = night.listener.heard
    assert heard.receiver.to == "+4915112345678"
    page.get_by_label("The code sent to Mobile").fill(heard.message.code or "")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("reached you")).to_be_visible()
    page.get_by_role("button", name="Add a rule for HIGH").click()
    page.get_by_label("By what, for HIGH").select_option("Mobile")
    page.get_by_role("button", name="Save the rules").click()
    expect(page.get_by_role("button", name="Save the rules")).to_be_hidden()
    ada = served.world.table.user("user_ada", deadline())
    assert ada and [each.method_id for each in ada.rules] == ["cm_sms"]
    checked(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_what_the_file_has_is_locked_with_its_lines(
    page: Page, served: Site, night: Pipeline
) -> None:
    ada = served.world.table.user("user_ada", deadline())
    assert ada
    phone = Receiver(id="cm_phone", name="Mobile", channel=Channel.SMS, to="+4915112345678")
    night.put(directory_items.directory_item(ada.model_copy(update={"contact_methods": (phone,)})))
    applied = LastApply(
        at=served.world.clock() - timedelta(days=2),
        by="grace (AWS)",
        revision=7,
        files=("oncall/people.yaml",),
        lines={"users.ada.contact_methods": (0, 41)},
    )
    LastApplies(served.world.table).keep(applied, deadline())
    enter(page, served)
    page.get_by_role("link", name="Ada").click()
    expect(page.get_by_role("button", name="Remove")).to_be_hidden()
    page.get_by_text("Your contact methods are in oncall/people.yaml:41").click()
    expect(page.get_by_text("by grace (AWS), revision 7")).to_be_visible()
    expect(page.get_by_text("Sat 03:00")).to_be_visible()
    expect(page.get_by_text('phone: {channel: sms, to: "+4915112345678"}')).to_be_visible()
    checked(page)


def test_people_are_found_with_their_teams_and_their_time_on_call(
    page: Page, served: Site, night: Pipeline
) -> None:
    enter(page, served)
    page.get_by_role("link", name="People").click()
    people = (
        page.get_by_role("listitem").filter(has_text="in no team").or_(page.get_by_role("listitem"))
    )
    expect(people.filter(has_text="Ada").first).to_contain_text("you")
    expect(page.get_by_text("on call", exact=True)).to_be_visible()
    page.get_by_label("Search by name or team").fill("ben")
    expect(page.get_by_text("Ada", exact=True)).to_have_count(1)
    page.get_by_text("How they are reached").click()
    expect(page.get_by_text("By e-mail.")).to_be_visible()
    checked(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
