"""A service in the console: adding an integration as the Events API's document says, its keys, and
maintenance.
"""

import re
from datetime import timedelta

from playwright.sync_api import Page, expect

from harness.site import Site
from harness.world import deadline, event
from opsknight.directory.receivers import Channel, Owner, ServiceReceiver
from opsknight.directory.sessions import RECENT
from opsknight.store import directory_items, items
from tests.browser.conftest import DESK
from tests.browser.test_journeys import checked, enter, opened
from tests.integration.steps import put


def configured(served: Site) -> None:
    world = served.world
    served.desk.configured(
        services=["svc_checkout"],
        users=["user_ada", "user_ben"],
        teams=["team_web"],
        integrations=["svc_checkout/int_prometheus", "svc_checkout/int_grafana"],
    )
    receiver = ServiceReceiver(
        id="rcv_chat",
        service_id="svc_checkout",
        name="#shop",
        channel=Channel.SLACK_WEBHOOK,
        to="https://hooks.slack.example/1",
    )
    put(world, directory_items.directory_item(receiver))
    failing = items.receiver_state_key(Owner.service("svc_checkout").destination("rcv_chat"))
    since = (world.clock() - timedelta(hours=2)).isoformat().replace("+00:00", "Z")
    put(world, failing | {"failing_since": {"S": since}, "failures": {"N": "4"}})


def test_an_integration_is_added_its_key_copied_and_the_first_event_arrives(
    page: Page, served: Site
) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    configured(served)
    enter(page, served)
    page.get_by_role("link", name="Services").click()
    page.get_by_role("link", name="Checkout").click()
    page.get_by_role("link", name="Integrations").click()
    page.get_by_role("button", name="Add Integration").click()
    page.get_by_label("Name").fill("Prometheus Alerts")
    page.get_by_role("button", name="Add", exact=True).click()
    fresh = page.get_by_role("region", name="The new key")
    expect(fresh).to_contain_text("Waiting for the first event")
    checked(page)
    fresh.get_by_role("button", name="Copy key").click()
    expect(fresh).to_contain_text("The key is copied.")
    secret = page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch("[0-9a-f]{32}", secret)
    assert served.world.send(event(), key=secret).status == 202
    page.clock.run_for(3_500)
    expect(fresh).to_contain_text("The first event has arrived.")
    # It is shown this one time.
    fresh.get_by_role("button", name="Done").click()
    page.reload()
    expect(page.get_by_text("Added by Ada")).to_be_visible()
    assert secret not in page.content()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_test_event_opens_an_incident_and_resolves_it(page: Page, served: Site) -> None:
    configured(served)
    enter(page, served)
    page.goto(f"{served.url}/console/services/svc_checkout?tab=integrations")
    page.get_by_role("button", name="New key").first.click()
    page.get_by_role("button", name="Send a test event").click()
    expect(page.get_by_text("Sent: it opened an incident")).to_be_visible()
    expect(page.get_by_text("The first event has arrived.")).to_be_visible()
    page.get_by_role("link", name="Incidents").last.click()
    expect(page.locator(".rows .title")).to_have_text("A test event")
    checked(page)


def test_a_key_is_rotated_and_revoked(page: Page, served: Site) -> None:
    page.set_viewport_size(DESK)
    page.on("dialog", lambda asked: asked.accept())
    configured(served)
    enter(page, served)
    page.goto(f"{served.url}/console/services/svc_checkout?tab=integrations")
    prometheus = page.locator(".cards > li", has_text="Prometheus")
    prometheus.get_by_role("button", name="Rotate").click()
    expect(prometheus.locator(".key")).to_have_count(2)
    expect(prometheus).to_contain_text("ends")
    prometheus.get_by_role("button", name="Revoke").last.click()
    expect(prometheus.locator(".key")).to_have_count(1)
    checked(page)


def test_an_old_login_is_asked_again_before_it_makes_keys(page: Page, served: Site) -> None:
    configured(served)
    enter(page, served)
    served.world.clock.advance(seconds=RECENT.total_seconds())
    page.goto(f"{served.url}/console/services/svc_checkout?tab=integrations")
    page.get_by_role("button", name="New key").first.click()
    expect(page.get_by_role("link", name="Log in again")).to_be_visible()


def test_maintenance_is_planned_for_every_week(page: Page, served: Site) -> None:
    configured(served)
    enter(page, served)
    page.goto(f"{served.url}/console/services/svc_checkout?tab=maintenance")
    page.get_by_label("From").fill("2026-11-24T04:00")
    page.get_by_label("Until").fill("2026-11-24T05:00")
    page.get_by_label("Again").select_option("every week")
    page.get_by_label("Reason").fill("Backups")
    checked(page)
    page.get_by_role("button", name="Plan", exact=True).click()
    expect(page.locator(".cards")).to_contain_text("every 7 days (UTC)")
    service = served.world.table.service("svc_checkout", deadline())
    assert service and service.windows[0].repeats
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("No maintenance is planned.")).to_be_visible()


def test_a_failing_receiver_is_seen(page: Page, served: Site) -> None:
    configured(served)
    opened(served)
    enter(page, served)
    page.goto(f"{served.url}/console/services/svc_checkout")
    expect(page.locator(".facts")).to_contain_text("#shop failing")
    checked(page)
    page.get_by_role("link", name="Receivers").click()
    expect(page.locator(".cards")).to_contain_text("4 times in a row")
    checked(page)


def test_a_night_is_played_in_advance(page: Page, served: Site) -> None:
    configured(served)
    enter(page, served)
    page.get_by_role("link", name="Policies").click()
    page.get_by_role("combobox", name="Service").select_option("svc_checkout")
    page.get_by_role("button", name="Simulate").click()
    expect(page.get_by_role("region", name="The night")).to_contain_text("Ada")
    expect(page.get_by_text("That is all, if nobody acts.")).to_be_visible()
    checked(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
