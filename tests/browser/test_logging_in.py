"""How people get into the console, in a browser."""

import re
from collections.abc import Iterator
from secrets import token_hex

import pytest
from playwright.sync_api import Page, expect

from console.handler import Mailing
from harness import audited
from harness.identity_provider import SECRET, IdentityProvider, identity_provider
from harness.pipeline import Pipeline
from harness.post import PAGES_HIGH
from harness.processes import LINK_KEY
from harness.site import Site
from harness.world import deadline
from opsknight.directory.receivers import Channel, Receiver
from opsknight.directory.sessions import SESSION_LIFE
from opsknight.notification.codes import spaced
from opsknight.runtime.queues import Queue
from opsknight.runtime.ssm_secrets import LinkKeys, Secret, SecretReader
from opsknight.store import directory_items
from opsknight.store.sessions import Sessions
from tests.browser.test_journeys import checked, enter


@pytest.fixture
def provider(served: Site) -> Iterator[IdentityProvider]:
    served.desk.configured(services=["svc_checkout"], users=["user_ada", "user_ben"])
    name = f"/opsknight/{token_hex(4)}/oidc"
    with identity_provider(served.world.clock) as provider:
        ssm, settings = served.desk.ssm, provider.settings(served.url, secret=f"{name}-secret")
        ssm.put_parameter(Name=name, Value=settings, Type="String")
        ssm.put_parameter(Name=f"{name}-secret", Value=SECRET, Type="SecureString")
        served.provided(name)
        yield provider


def test_one_logs_in_at_the_identity_provider_and_it_renews_by_itself(
    page: Page, served: Site, provider: IdentityProvider
) -> None:
    page.clock.install(time=served.world.clock())
    page.goto(f"{served.url}/console/oncall")
    # The console says the same before it leads here.
    expect(page.get_by_role("link", name="Log in with 127.0.0.1")).to_be_visible()
    expect(page.get_by_text("The link in your page works without login.")).to_be_visible()
    checked(page)
    page.get_by_role("link", name="Log in with 127.0.0.1").click()
    expect(page).to_have_url(re.compile(r"/console/oncall$"))
    expect(page.get_by_text("live,")).to_be_visible()
    [first] = Sessions(served.world.table).of("user_ada", deadline())
    # Half a day later it goes on, without a word.
    served.world.clock.advance(seconds=SESSION_LIFE.total_seconds())
    page.clock.set_fixed_time(served.world.clock())
    with page.expect_response("**/auth/callback*"):
        page.clock.run_for(61_000)
    expect(page.get_by_text("live,")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/console/oncall$"))
    [second] = Sessions(served.world.table).of("user_ada", deadline())
    assert first.id != second.id and provider.seen[-1]["prompt"] == "none"
    # But not once somebody has ended it.
    Sessions(served.world.table).end("user_ada", second.id, deadline(), audit=audited.entry())
    served.world.clock.advance(minutes=2)
    page.clock.set_fixed_time(served.world.clock())
    page.clock.run_for(61_000)
    expect(page).to_have_url(re.compile(r"/auth/login\?next=%2Fconsole%2Foncall$"))
    assert len(provider.seen) == 2


def test_one_logs_in_by_a_code(page: Page, served: Site) -> None:
    desk, night = served.desk, Pipeline(served.world)
    desk.configured(services=["svc_checkout"], users=["user_ada", "user_ben"])
    desk.ssm.put_parameter(Name=desk.key_name, Value=LINK_KEY.hex(), Type="SecureString")
    keys = LinkKeys(Secret(SecretReader(desk.ssm), desk.key_name))
    served.mailed(Mailing(keys, Queue(night.post.sqs(), PAGES_HIGH), served.world.counters))
    page.clock.install(time=served.world.clock())
    # Without a session the console leads here, and afterwards back.
    page.goto(f"{served.url}/console/oncall")
    page.get_by_label("Your e-mail address").fill("ada@example.com")
    checked(page)
    page.get_by_role("button", name="Send me a code").click()
    expect(page.get_by_role("heading")).to_have_text("Type the code")
    checked(page)
    expect(page.get_by_label("The code")).to_be_focused()
    page.get_by_label("The code").fill("00000000")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("That is not the code.")).to_be_visible()
    night.wait(seconds=1)
    [heard] = night.listener.heard
    page.get_by_label("The code").fill(spaced(heard.message.code or ""))
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(re.compile(r"/console/oncall$"))
    expect(page.get_by_text("live,")).to_be_visible()


def test_a_code_shows_that_a_telephone_works(page: Page, served: Site) -> None:
    world, night = served.world, Pipeline(served.world)
    ada = world.table.user("user_ada", deadline())
    assert ada
    phone = Receiver(id="cm_phone", name="Mobile", channel=Channel.SMS, to="+4915112345678")
    known = ada.model_copy(update={"contact_methods": (phone,)})
    night.put(directory_items.directory_item(known))
    served.desk.ssm.put_parameter(
        Name=served.desk.key_name, Value=LINK_KEY.hex(), Type="SecureString"
    )
    served.desk.post = night.post
    served.desk.function = served.desk.responder()
    enter(page, served)
    page.get_by_role("link", name="Ada").click()
    expect(page.get_by_text("not confirmed yet")).to_be_visible()
    page.get_by_role("button", name="Send a code").click()
    expect(page.get_by_text("On its way.")).to_be_visible()
    checked(page)
    night.wait(seconds=1)
    [heard] = night.listener.heard
    page.clock.run_for(2000)
    expect(page.get_by_text("Sent. Type the code when it comes")).to_be_visible()
    page.get_by_label("The code sent to Mobile").fill("0")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("alert")).to_contain_text("That is not the code.")
    page.get_by_label("The code sent to Mobile").fill(heard.message.code or "")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("reached you")).to_be_visible()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390, "nothing sticks out"
