"""The set-up of an empty deployment, in a browser: from `opsknight login --first` to a page that
somebody has acknowledged.
"""

import json
import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from harness.pipeline import Pipeline
from harness.processes import LINK_KEY
from harness.shell import Shell
from harness.site import Site
from harness.world import World, deadline, empty
from opsknight.directory.entries import SCOPES
from opsknight.directory.sessions import RECENT
from opsknight.incident.model import Status
from opsknight.store.configurations import Configurations
from opsknight.store.keys import Keys
from tests.browser.test_journeys import checked, enter
from tests.integration.steps import incident

pytestmark = pytest.mark.screens

CREATE = "Create all of it"
COUNTING = """
window.presses = 0;
const count = (event) => { window.presses += event.target.closest("button") ? 1 : 0; };
addEventListener("click", count, true);
"""
THEIRS = """\
users:
  ben: {email: ben@example.com, role: ADMIN}
teams:
  search: {members: {ben: {}}}
services:
  search: {team: search}
"""


@pytest.fixture
def world(dynamodb: str) -> World:
    """As `sam deploy` leaves it."""
    return empty(dynamodb)


def first(page: Page, served: Site) -> None:
    """Ada makes herself the first administrator, and opens her link. The set-up opens by itself."""
    shell = Shell(served.world, url=served.url)
    said = shell.opsknight("login", "--first", "ada@example.com", "--json")
    assert said.code == 0, said.all
    page.clock.install(time=served.world.clock())
    page.goto(json.loads(said.out)["url"])
    page.get_by_role("button", name="Log in").click()
    stands(page, "You")


def stands(page: Page, title: str, *, axe: bool = False) -> None:
    """At this step, which has the focus and sticks out nowhere."""
    heading = page.get_by_role("heading", level=2, name=title, exact=True)
    expect(heading).to_be_focused()
    width = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width[0] <= width[1], "nothing sticks out"
    if axe:
        checked(page)


def fill(page: Page, **fields: str) -> None:
    for label, text in fields.items():
        page.get_by_label(label.replace("_", " ")).fill(text)


def onwards(page: Page, title: str) -> None:
    page.get_by_role("button", name="Continue").click()
    stands(page, title)


def answer(page: Page, service: str = "Checkout") -> None:
    """The four steps of answers, from the first one on."""
    fill(page, Your_name="Ada Lovelace", Time_zone="Europe/London")
    onwards(page, "Your team")
    fill(page, Name_of_the_team="Payments")
    onwards(page, "Who is paged")
    onwards(page, "Your first service")
    fill(page, Name_of_the_service=service, What_sends_its_events="Prometheus")


def apply(served: Site, text: str, revision: int, user: str = "ada") -> None:
    """Another administrator applies, by a key of their own."""
    key = served.desk.key(user, *SCOPES)
    body = {"text": text, "revision": revision}
    done = served.desk.call("POST", "/api/configuration/apply", body, key=key)
    assert done.status == 200, done.problem or done.body


def revision(served: Site) -> int:
    return Configurations(served.world.table).read(deadline()).revision


def test_from_an_empty_table_to_a_page_that_is_acknowledged(page: Page, served: Site) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    world, desk, night = served.world, served.desk, Pipeline(served.world)
    desk.ssm.put_parameter(Name=desk.key_name, Value=LINK_KEY.hex(), Type="SecureString")
    first(page, served)
    checked(page)
    expect(page.get_by_text("Pages go to your e-mail address, ada@example.com")).to_be_visible()
    # By keyboard: Enter goes on, as in any form.
    fill(page, Your_name="Ada Lovelace", Time_zone="Europe/London")
    page.keyboard.press("Enter")
    stands(page, "Your team")
    fill(page, Name_of_the_team="Payments")
    page.get_by_role("button", name="Add a colleague").click()
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("Ben Ruiz")
    page.keyboard.press("Tab")
    page.keyboard.type("ben@example.com")
    checked(page)
    page.keyboard.press("Enter")
    stands(page, "Who is paged")
    page.get_by_role("button", name="Then somebody else").click()
    expect(page.get_by_label("Minutes later")).to_be_focused()
    expect(page.get_by_label("Then page")).to_have_value("1")
    goes = page.get_by_role("region", name="While nobody acts")
    expect(goes).to_contain_text("At once: Ada Lovelace")
    expect(goes).to_contain_text("After 10 min: Ben Ruiz")
    checked(page)
    onwards(page, "Your first service")
    checked(page)
    fill(page, Name_of_the_service="Checkout", What_sends_its_events="Prometheus")
    before = revision(served)
    page.get_by_role("button", name=CREATE).click()
    stands(page, "The integration key", axe=True)
    assert revision(served) == before + 1, "all of it is one revision"
    page.get_by_role("button", name="Make the key").click()
    shown = page.get_by_role("region", name="The new key")
    shown.get_by_role("button", name="Copy key").click()
    expect(page.get_by_text("The key is copied.")).to_be_visible()
    secret = page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch("[0-9a-f]{32}", secret)
    checked(page)
    onwards(page, "Does it reach you?")
    checked(page)
    page.get_by_role("button", name="Send a test event").click()
    way = page.get_by_role("list", name="The way of the test")
    expect(way).to_contain_text("The event has arrived")
    expect(way).to_contain_text("is being paged")
    night.wait(seconds=1).pages("ada")
    [heard] = night.listener.heard
    assert heard.receiver.to == "ada@example.com"
    page.clock.run_for(2_500)
    expect(way).to_contain_text("A message was sent")
    expect(page.locator(".receipt")).to_contain_text("taken by the provider")
    expect(way).to_contain_text("Waiting for somebody to acknowledge it")
    checked(page)
    # By the link in the message, as on a telephone.
    [delivery] = [each for each in night.deliveries() if each.attempts]
    world.clock.advance(seconds=9)
    assert desk.press(desk.path(delivery), "acknowledge").status == 303
    page.clock.run_for(2_500)
    expect(way).to_contain_text("Acknowledged by Ada Lovelace, 10 s after the event")
    expect(page.locator(".receipt")).to_contain_text("acknowledged from it")
    checked(page)
    page.get_by_role("button", name="Finish").click()
    stands(page, "It works", axe=True)
    text = page.get_by_label("The configuration, as YAML")
    expect(text).to_contain_text("checkout:")
    page.get_by_role("button", name="Copy").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == Shell(world).opsknight("export").out
    assert incident(world, delivery.incident_id).status is Status.RESOLVED
    assert secret not in page.content()
    page.get_by_role("button", name="To the incidents").click()
    expect(page.get_by_text("Nothing is active")).to_be_visible()
    expect(page.get_by_role("link", name="Set up")).to_be_hidden()
    page.reload()
    expect(page.get_by_text("Nothing is active")).to_be_visible()


def test_a_mistake_is_said_at_its_field_which_gets_the_focus(page: Page, served: Site) -> None:
    first(page, served)
    fill(page, Your_name="", Time_zone="Berlin")
    page.get_by_role("button", name="Continue").click()
    name = page.get_by_label("Your name")
    expect(name).to_be_focused()
    expect(name).to_have_accessible_description("Say what people call you.")
    expect(page.get_by_label("Time zone")).to_have_attribute("aria-invalid", "true")
    checked(page)
    answer(page)
    page.get_by_role("button", name="Back").click()
    stands(page, "Who is paged")
    fill(page, How_many_more_times="12")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_label("How many more times")).to_be_focused()
    expect(page.get_by_text("A number from 0 to 9.")).to_be_visible()


def test_whoever_leaves_or_reloads_goes_on_where_they_were(page: Page, served: Site) -> None:
    page.on("dialog", lambda asked: asked.accept())
    first(page, served)
    answer(page)
    page.reload()
    expect(page.get_by_label("Name of the service")).to_have_value("Checkout")
    page.get_by_role("button", name="Leave it for now").click()
    expect(page.get_by_text("Nothing is active")).to_be_visible()
    # It does not open by itself again, and is found again.
    page.reload()
    expect(page.get_by_text("Nothing is active")).to_be_visible()
    page.get_by_role("link", name="Set up").click()
    expect(page.get_by_label("Name of the service")).to_have_value("Checkout")
    page.get_by_role("button", name=CREATE).click()
    stands(page, "The integration key")
    page.get_by_role("button", name="Make the key").click()
    secret = page.locator(".secret code").inner_text()
    # What is shown once is kept nowhere.
    page.reload()
    expect(page.get_by_text("The key was shown, and is kept nowhere.")).to_be_visible()
    kept = page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
    assert "Checkout" in kept and secret not in kept
    page.get_by_role("button", name="Make another").click()
    shown = page.get_by_role("region", name="The new key")
    expect(shown).to_contain_text("Wherever you have put the first key, put this one")
    # The first may be in use already.
    keys = [each.key for each in Keys(served.world.table).held(deadline(), "svc_checkout")]
    [old, new] = sorted(keys, key=lambda each: each.ends_at is None)
    assert old.ends_at == served.world.clock() + timedelta(days=1) and new.ends_at is None
    # Whoever logs in next in this browser finds nothing of it.
    page.goto(f"{served.url}/console/me")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    kept = page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
    assert "Checkout" not in kept


def test_eight_presses_lead_to_an_acknowledged_page(page: Page, served: Site) -> None:
    desk, night = served.desk, Pipeline(served.world)
    desk.ssm.put_parameter(Name=desk.key_name, Value=LINK_KEY.hex(), Type="SecureString")
    page.add_init_script(COUNTING)
    first(page, served)
    answer(page)
    page.get_by_role("button", name=CREATE).click()
    page.get_by_role("button", name="Make the key").click()
    onwards(page, "Does it reach you?")
    page.get_by_role("button", name="Send a test event").click()
    way = page.get_by_role("list", name="The way of the test")
    expect(way).to_contain_text("is being paged")
    night.wait(seconds=1).pages("ada")
    page.clock.run_for(2_500)
    expect(way).to_contain_text("A message was sent")
    page.get_by_role("button", name="Acknowledge it here").click()
    expect(way).to_contain_text("Acknowledged by Ada Lovelace")
    assert page.evaluate("window.presses") == 8
    page.get_by_role("button", name="Finish").click()
    stands(page, "It works")


def test_an_incident_taken_without_a_message_is_no_proof_of_paging(
    page: Page, served: Site
) -> None:
    first(page, served)
    answer(page)
    page.get_by_role("button", name=CREATE).click()
    page.get_by_role("button", name="Make the key").click()
    onwards(page, "Does it reach you?")
    page.get_by_role("button", name="Send a test event").click()
    page.get_by_role("button", name="Acknowledge it here").click()
    way = page.get_by_role("list", name="The way of the test")
    expect(way).to_contain_text("No message could be sent: the test was over before")
    expect(page.get_by_text("no message has reached anybody. Change below")).to_be_visible()
    expect(page.get_by_role("button", name="Finish")).to_be_hidden()
    checked(page)
    page.get_by_role("button", name="Test again").click()
    page.get_by_role("button", name="Send a test event").click()
    expect(way).to_contain_text("is being paged")
    page.get_by_role("button", name="Acknowledge it here").click()
    page.get_by_role("button", name="Go on without it").click()
    stands(page, "It is set up", axe=True)
    expect(page.get_by_text("opens incidents, but no message has reached anybody")).to_be_visible()
    expect(page.get_by_role("link", name="how you are reached")).to_be_visible()


def test_an_answer_lost_on_the_way_is_no_dead_end(page: Page, served: Site) -> None:
    first(page, served)
    answer(page)

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    before = revision(served)
    page.route("**/api/configuration/apply", lose, times=1)
    page.get_by_role("button", name=CREATE).click()
    expect(page.get_by_role("alert")).to_contain_text("no connection")
    assert revision(served) == before + 1, "it was written, and they do not know"
    page.get_by_role("button", name=CREATE).click()
    stands(page, "The integration key")
    assert revision(served) == before + 1, "once"
    assert "example.com" not in page.evaluate("JSON.stringify({...sessionStorage})")


def lost(page: Page, served: Site) -> str:
    """The answer to the apply is lost; the text that was written."""
    first(page, served)
    answer(page)

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/api/configuration/apply", lose, times=1)
    page.get_by_role("button", name=CREATE).click()
    expect(page.get_by_role("alert")).to_contain_text("no connection")
    return str(served.desk.call("GET", "/api/configuration/text", key=admin(served)).body["text"])


def admin(served: Site, user: str = "ada") -> str:
    return served.desk.key(user, *SCOPES)


def test_a_lost_answer_is_found_though_somebody_has_changed_a_field(
    page: Page, served: Site
) -> None:
    """It is theirs whatever became of it: no service of somebody else's, and no name taken."""
    text = lost(page, served)
    apply(served, text.replace("repeat_after: 5m", "repeat_after: 7m"), revision(served))
    before = revision(served)
    page.get_by_role("button", name=CREATE).click()
    stands(page, "The integration key")
    assert revision(served) == before
    assert "repeat_after: 7m" in Shell(served.world).opsknight("export").out


def test_a_lost_answer_is_found_under_many_revisions(page: Page, served: Site) -> None:
    """More than one answer lists."""
    text = lost(page, served)
    for minutes in range(10, 32):
        another = text.replace("repeat_after: 5m", f"repeat_after: {minutes}m")
        apply(served, another, revision(served))
    before = revision(served)
    page.get_by_role("button", name=CREATE).click()
    stands(page, "The integration key")
    assert revision(served) == before


def test_a_part_that_is_gone_again_is_written_again(page: Page, served: Site) -> None:
    text = lost(page, served)
    rest = text[: text.index("services:")]
    body = {"text": rest, "revision": revision(served), "prune": True, "force": True}
    done = served.desk.call("POST", "/api/configuration/apply", body, key=admin(served))
    assert done.status == 200, done.problem or done.body
    assert not Configurations(served.world.table).read(deadline()).configuration.services
    page.get_by_role("button", name=CREATE).click()
    stands(page, "The integration key")
    assert Shell(served.world).opsknight("export").out == text


def test_what_somebody_else_calls_the_same_is_theirs(page: Page, served: Site) -> None:
    """Both follow one example: nobody is told that the other's service is what they made."""
    first(page, served)
    answer(page)
    person = THEIRS[: THEIRS.index("teams:")]
    theirs = """\
teams: {payments: {members: {ben: {}}}}
policies: {payments: {steps: [{targets: [{user: ben}]}]}}
services:
  checkout: {team: payments, policy: payments, integrations: {prometheus: Prometheus}}
"""

    def overtake(route: Route) -> None:
        apply(served, person, revision(served))
        apply(served, person + theirs, revision(served), user="ben")
        route.continue_()

    page.route("**/api/configuration/apply", overtake, times=1)
    page.get_by_role("button", name=CREATE).click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing of yours was written")
    page.get_by_role("button", name=CREATE).click()
    expect(page.get_by_role("alert")).to_contain_text("set up a service meanwhile: checkout")


def test_of_two_who_set_up_at_once_neither_undoes_the_other(page: Page, served: Site) -> None:
    first(page, served)
    answer(page)
    apply(served, THEIRS, revision(served))
    page.get_by_role("button", name=CREATE).click()
    refused = page.get_by_role("alert")
    expect(refused).to_contain_text("Somebody has set up a service meanwhile: search.")
    checked(page)
    fill(page, Name_of_the_service="Search")
    page.get_by_role("button", name="Create mine as well").click()
    expect(page.get_by_text("There is a service of this name already.")).to_be_visible()
    expect(page.get_by_label("Name of the service")).to_be_focused()
    fill(page, Name_of_the_service="Checkout")
    page.get_by_role("button", name=CREATE).click()
    page.get_by_role("button", name="Create mine as well").click()
    stands(page, "The integration key")
    found = Configurations(served.world.table).read(deadline()).configuration
    assert found.services.keys() == {"svc_checkout", "svc_search"}
    assert found.users.keys() == {"user_ada", "user_ben"}


def test_on_a_telephone_each_button_has_one_line(page: Page, served: Site) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    first(page, served)
    answer(page)
    for name in (CREATE, "Back"):
        button = page.get_by_role("button", name=name, exact=True)
        lines = button.evaluate(
            "b => { const r = document.createRange(); r.selectNodeContents(b);"
            " return r.getClientRects().length; }"
        )
        assert lines == 1, name


def test_whoever_is_overtaken_in_the_same_moment_loses_nothing(page: Page, served: Site) -> None:
    first(page, served)
    answer(page)
    theirs = THEIRS[: THEIRS.index("services:")]

    def overtake(route: Route) -> None:
        apply(served, theirs, revision(served))
        route.continue_()

    page.route("**/api/configuration/apply", overtake, times=1)
    page.get_by_role("button", name=CREATE).click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing of yours was written")
    expect(page.get_by_label("Name of the service")).to_have_value("Checkout")
    page.get_by_role("button", name=CREATE).click()
    stands(page, "The integration key")
    found = Configurations(served.world.table).read(deadline()).configuration
    assert found.users.keys() == {"user_ada", "user_ben"}
    assert found.teams.keys() == {"team_payments", "team_search"}


def test_a_file_that_owns_it_gets_the_lines_to_add(page: Page, served: Site) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    file = "users:\n  ada: {email: ada@example.com, role: ADMIN}\n"
    shell = Shell(served.world, url=served.url)
    assert shell.opsknight("apply", "-", "--yes", stdin=file).code == 0
    enter(page, served)
    stands(page, "You")
    expect(page.get_by_text("A file owns the configuration")).to_be_visible()
    answer(page)
    before = revision(served)
    page.get_by_role("button", name=CREATE).click()
    expect(page.get_by_role("heading", name="A file owns the configuration")).to_be_visible()
    assert revision(served) == before, "nothing was written"
    checked(page)
    page.get_by_role("button", name="It is applied: go on").click()
    expect(page.get_by_role("alert")).to_contain_text("apply the file first")
    page.get_by_role("button", name="Copy", exact=True).click()
    lines = page.evaluate("navigator.clipboard.readText()")
    said = shell.opsknight("apply", "-", "--yes", stdin=file + lines)
    assert said.code == 0, said.all
    page.get_by_role("button", name="It is applied: go on").click()
    stands(page, "The integration key")
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_role("region", name="The new key")).to_be_visible()
    onwards(page, "Does it reach you?")
    page.get_by_role("button", name="Send a test event").click()
    page.get_by_role("button", name="Acknowledge it here").click()
    page.get_by_role("button", name="Go on without it").click()
    stands(page, "It is set up", axe=True)
    expect(page.get_by_text("A file owns it")).to_be_visible()
    expect(page.get_by_text("--take-over")).to_be_hidden()


def test_an_old_login_is_asked_again_and_finds_its_answers(page: Page, served: Site) -> None:
    first(page, served)
    answer(page)
    served.world.clock.at += RECENT + timedelta(minutes=1)
    page.get_by_role("button", name=CREATE).click()
    expect(page.get_by_role("link", name="Log in again")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Name of the service")).to_have_value("Checkout")


def test_whoever_has_gone_on_is_not_taken_back_to_it(page: Page, served: Site) -> None:
    shell = Shell(served.world, url=served.url)
    link = json.loads(shell.opsknight("login", "--first", "ada@example.com", "--json").out)["url"]
    asked: list[Route] = []
    page.route("**/api/services", lambda route: asked.append(route))
    page.clock.install(time=served.world.clock())
    page.goto(link)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("live,")).to_be_visible()
    # The answer comes when the address has changed, and before the page has: that takes a frame.
    page.clock.pause_at(served.world.clock() + timedelta(minutes=5))
    page.get_by_role("link", name="Configuration").click()
    assert asked
    with page.expect_response("**/api/services"):
        for each in asked:
            each.continue_()
    page.clock.resume()
    expect(page.get_by_role("heading", name="Configuration", exact=True)).to_be_visible()
    assert page.url.endswith("/console/configuration")


def test_responders_are_not_offered_it(page: Page, served: Site) -> None:
    file = "users:\n  ben: {email: ben@example.com, role: RESPONDER}\n"
    assert Shell(served.world).opsknight("apply", "-", "--yes", stdin=file).code == 0
    enter(page, served, "ben")
    expect(page.get_by_text("Nothing is active")).to_be_visible()
    expect(page.get_by_role("link", name="Set up")).to_be_hidden()
    page.goto(f"{served.url}/console/setup")
    expect(page.get_by_text("The set-up is for the role ADMIN.")).to_be_visible()
    checked(page)
