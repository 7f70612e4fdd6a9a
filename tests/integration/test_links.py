"""Acting by the link in a message: what the page shows, what its buttons do, and who may."""

from datetime import datetime, timedelta
from secrets import token_hex

import pytest

from harness.desk import Desk, RawResponse
from harness.shell import Shell
from harness.world import World, deadline, event, http_event
from opsknight.directory.entries import Role, Service, User
from opsknight.directory.receivers import Owner
from opsknight.escalation.policy import implicit
from opsknight.escalation.steps import Turn, proceed, take
from opsknight.incident.canary import USER_ID
from opsknight.incident.commands import Snooze
from opsknight.incident.model import ActorKind, Status, Timer
from opsknight.notification import signed_link
from opsknight.store import directory_items, items
from tests.integration.conftest import Log
from tests.integration.steps import do, in_order, incident, incident_in, put, unmarked
from tests.integration.wire import ALWAYS, TIMES_OUT, Wire


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


def buttons(page: RawResponse) -> list[str]:
    return [part.split('"')[0] for part in page.text.split('name="action" value="')[1:]]


def test_the_page_says_what_broke_and_offers_what_can_be_done(desk: Desk) -> None:
    details = {"cpu_percent": 97, "host": "web-01"}
    sent = desk.world.send(event(payload={"custom_details": details}))
    desk.world.clock.advance(minutes=12)
    page = desk.ask(desk.link(sent.incident["id"]))
    assert page.status == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    for said in (
        "CPU above 90% on web-01",
        "Checkout",
        "High",
        "Open",
        "12 min ago",
        "23 Nov 03:00 UTC",
        "Nobody has it yet",
        "Opened by Prometheus",
        "&quot;host&quot;: &quot;web-01&quot;",
        "host: web-01",
        "You act as Ada",
    ):
        assert said in page.text, said
    assert buttons(page) == ["acknowledge", "resolve", "escalate"]


def test_the_page_tells_who_was_paged_by_the_readers_own_clock(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    user = desk.world.table.user("user_ben", deadline())
    assert user
    ben = user.model_copy(update={"zone": "Europe/Berlin"})
    put(desk.world, directory_items.directory_item(ben))
    known = incident(desk.world, incident_id)
    turn = proceed(known, implicit("team_web"), desk.world.clock(), lambda _: None)
    assert isinstance(turn, Turn)
    paged = take(turn, ["user_ada", "user_ben"], desk.world.clock())
    desk.world.table.apply(paged, token_hex(8), deadline())
    page = desk.ask(desk.link(incident_id, "ben"))
    assert "Paged Ada and Ben (step 1)" in page.text
    assert "23 Nov 04:00 CET" in page.text
    assert "Nobody has it yet</b>; you and Ada are paged" in page.text
    mine = desk.ask(desk.link(incident_id, "ada"))
    assert "Nobody has it yet</b>; you and Ben are paged" in mine.text
    assert "23 Nov 03:00 UTC" in mine.text


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_changes_nothing(desk: Desk, method: str) -> None:
    """Mail scanners follow every link."""
    path = desk.link(incident_in(desk.world, Status.OPEN))
    before = unmarked(desk.world)
    for address in (path, f"{path}?action=acknowledge"):
        page = desk.ask(address.partition("?")[0], method)
        assert page.status == 200
        assert bool(page.text) is (method == "GET")
    assert unmarked(desk.world) == before


NAVIGATES = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.mark.parametrize(
    ("headers", "opened"),
    [
        (NAVIGATES, True),
        ({}, False),
        ({"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, False),
        (NAVIGATES | {"Sec-Fetch-Dest": "iframe"}, False),
        (NAVIGATES | {"Sec-Purpose": "prefetch;prerender"}, False),
        (NAVIGATES | {"Purpose": "preview"}, False),
    ],
)
def test_a_link_is_opened_by_whoever_goes_to_it_and_fetched_by_others(
    desk: Desk, headers: dict[str, str], opened: bool
) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    path = desk.link(incident_id)
    first = desk.world.clock()
    for _ in range(2):
        event = http_event(
            path=path, method="GET", headers={k.lower(): v for k, v in headers.items()}
        )
        assert desk.send(event).status == 200
        desk.world.clock.advance(minutes=5)
    [delivery] = desk.world.table.deliveries(incident_id, deadline())
    known = delivery.opened_at, delivery.fetched_at
    assert known == ((first, None) if opened else (None, first))


def test_a_page_comes_while_the_mark_cannot_be_written(desk: Desk) -> None:
    path = desk.link(incident_in(desk.world, Status.OPEN))
    Wire(desk.world.table.client).fail("UpdateItem", TIMES_OUT, ALWAYS)
    assert desk.ask(path).status == 200


def test_an_acknowledgement_names_the_delivery_whose_link_it_came_by(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    desk.press(desk.link(incident_id), "acknowledge")
    desk.call("POST", f"/api/incidents/{incident_id}/resolve")
    shown = desk.call("GET", f"/api/incidents/{incident_id}").body["incident"]
    [delivery] = shown["deliveries"]
    [act] = delivery["acts"]
    assert (act["what"], act["by"]["name"]) == ("acknowledged", "Ada")
    details = {each["what"]: each.get("detail") for each in shown["timeline"]}
    assert details["acknowledged"] == {"delivery_id": delivery["id"]}
    assert details["resolved"] is None


def test_acknowledging_makes_the_one_who_was_paged_the_assignee(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    path = desk.link(incident_id, "ben")
    pressed = desk.press(path, "acknowledge")
    assert pressed.status == 303
    assert pressed.headers["Location"] == path.removeprefix("/r/")
    assert desk.confirmed("ben", "email") == "ben@example.com"
    known = incident(desk.world, incident_id)
    assert (known.status, known.assignee_id) == (Status.ACKNOWLEDGED, "user_ben")
    (change,) = desk.world.table.changes(incident_id, deadline())
    assert (change.what, change.actor.kind, change.actor.id, change.actor.name) == (
        "acknowledged",
        ActorKind.USER,
        "user_ben",
        "Ben",
    )
    page = desk.ask(path)
    assert "You have it</b>, acknowledged just now" in page.text
    assert "Acknowledged by Ben" in page.text
    assert buttons(page) == ["resolve", "escalate"]


@pytest.mark.parametrize(
    ("action", "status"),
    [
        ("acknowledge", Status.ACKNOWLEDGED),
        ("resolve", Status.RESOLVED),
    ],
)
def test_each_button_does_what_it_says_once(desk: Desk, action: str, status: Status) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    path = desk.link(incident_id)
    assert desk.press(path, action).status == 303
    assert incident(desk.world, incident_id).status is status
    before = in_order(desk.world.items())
    assert desk.press(path, action).status == 303
    assert in_order(desk.world.items()) == before
    assert desk.ask(path).status == 200


@pytest.mark.parametrize(("value", "minutes"), [("30m", 30), ("1h", 60), ("4h", 240)])
def test_a_snooze_lasts_as_long_as_its_button_says(desk: Desk, value: str, minutes: int) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    path = desk.link(incident_id)
    assert f'name="snooze" value="{value}"' in desk.ask(path).text
    desk.press(path, snooze=value)
    until = desk.world.clock() + timedelta(minutes=minutes)
    assert incident(desk.world, incident_id).timers[Timer.SNOOZE] == until
    assert f"Snoozed until 23 Nov {until:%H:%M} UTC by Ada" in desk.ask(path).text


@pytest.mark.parametrize(
    ("zone", "at", "until"),
    [
        (None, "2026-11-23T03:00Z", "2026-11-23T09:00Z"),
        (None, "2026-11-23T09:00Z", "2026-11-24T09:00Z"),
        ("Europe/Berlin", "2026-11-23T07:59Z", "2026-11-23T08:00Z"),
        ("Europe/Berlin", "2026-11-23T08:00Z", "2026-11-24T08:00Z"),
        ("Asia/Tokyo", "2026-11-23T15:00Z", "2026-11-24T00:00Z"),
        # The clock goes forward in that night.
        ("Europe/Berlin", "2027-03-27T20:00Z", "2027-03-28T07:00Z"),
    ],
)
def test_until_nine_means_the_readers_nine(
    desk: Desk, zone: str | None, at: str, until: str
) -> None:
    ada = desk.world.table.user("user_ada", deadline())
    assert ada
    put(desk.world, directory_items.directory_item(ada.model_copy(update={"zone": zone})))
    incident_id = incident_in(desk.world, Status.OPEN)
    desk.world.clock.at = datetime.fromisoformat(at)
    desk.press(desk.link(incident_id), snooze="morning")
    expected = datetime.fromisoformat(until)
    assert incident(desk.world, incident_id).timers[Timer.SNOOZE] == expected


def test_what_is_resolved_offers_nothing_any_more(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.RESOLVED)
    path = desk.link(incident_id)
    page = desk.ask(path)
    assert page.status == 200
    assert buttons(page) == []
    before = incident(desk.world, incident_id)
    changes = desk.world.table.changes(incident_id, deadline())
    assert desk.press(path, "acknowledge").status == 303
    assert incident(desk.world, incident_id) == before
    assert desk.world.table.changes(incident_id, deadline()) == changes
    assert desk.confirmed("ada", "email") == "ada@example.com", "the message arrived"


def test_who_comes_second_sees_who_was_first(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    ada, ben = desk.link(incident_id, "ada"), desk.link(incident_id, "ben")
    desk.press(ada, "acknowledge")
    desk.press(ben, "acknowledge")
    assert incident(desk.world, incident_id).assignee_id == "user_ada"
    assert "Ada has it" in desk.ask(ben).text


@pytest.mark.parametrize(
    "body",
    [
        "",
        "action=delete",
        "action=",
        "action",
        "x=1",
        "%",
        "\ud800",
        "snooze=2h",
        "action=snooze",
        "action=hand-on&to=user_gone",
        "action=also-page",
        "action=note&text=%20",
    ],
)
def test_a_form_that_is_none_of_ours_does_nothing(desk: Desk, body: str) -> None:
    path = desk.link(incident_in(desk.world, Status.OPEN))
    before = in_order(desk.world.items())
    page = desk.send(
        {"rawPath": path, "requestContext": {"http": {"method": "POST"}}, "body": body}
    )
    assert page.status == 400
    assert in_order(desk.world.items()) == before


@pytest.mark.parametrize(
    "body", [f"action=hand-on&to={USER_ID}", f"action=also-page&whom=user:{USER_ID}"]
)
def test_the_canary_is_nobody_to_name(desk: Desk, body: str) -> None:
    put(
        desk.world,
        directory_items.directory_item(User(id=USER_ID, name="Canary", email="", role=Role.USER)),
    )
    path = desk.link(incident_in(desk.world, Status.OPEN))
    before = in_order(desk.world.items())
    post = {"http": {"method": "POST"}}
    assert desk.send({"rawPath": path, "requestContext": post, "body": body}).status == 400
    assert in_order(desk.world.items()) == before


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_405(desk: Desk, method: str) -> None:
    page = desk.ask(desk.link(incident_in(desk.world, Status.OPEN)), method)
    assert (page.status, page.headers["Allow"]) == (405, "GET, HEAD, POST")


def spoiled(path: str) -> list[str]:
    token = path.removeprefix("/r/")
    return [
        "",
        token[:-1],
        token[:20],
        token + "A",
        token + "=",
        ("B" if token[0] == "A" else "A") + token[1:],
        token[:-1] + ("B" if token[-1] == "A" else "A"),
        token + "/",
        "../" + token,
        token.swapcase(),
        "A" * len(token),
        "A" * 5000,
        "é",
        "%00",
    ]


def test_a_link_that_is_not_ours_tells_nothing(desk: Desk) -> None:
    path = desk.link(incident_in(desk.world, Status.OPEN))
    before = in_order(desk.world.items())
    pages = [desk.ask(f"/r/{token}") for token in spoiled(path)]
    pages += [desk.press(f"/r/{token}", "resolve") for token in spoiled(path)]
    assert {page.status for page in pages} == {404}
    assert len({page.text for page in pages}) == 1
    assert "CPU" not in pages[0].text
    assert in_order(desk.world.items()) == before


def test_a_link_signed_with_another_key_is_refused(desk: Desk) -> None:
    delivery = desk.delivery(incident_in(desk.world, Status.OPEN))
    desk.keys.signing(desk.world.clock())
    forged = signed_link.token(delivery.incident_id, delivery.id, b"k" * 32, desk.world.clock())
    assert desk.press(f"/r/{forged}", "resolve").status == 404


def test_a_link_of_one_incident_does_not_open_another(desk: Desk) -> None:
    """Signed by us, but for a delivery of another incident."""
    one, other = (incident_in(desk.world, Status.OPEN, dedup_key=key) for key in "ab")
    delivery = desk.delivery(one)
    key = desk.keys.signing(desk.world.clock())
    token = signed_link.token(other, delivery.id, key, desk.world.clock())
    assert desk.ask(f"/r/{token}").status == 404


def test_an_expired_link_is_410_and_tells_nothing(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    path = desk.link(incident_id)
    desk.world.clock.advance(days=7, seconds=-1)
    assert desk.ask(path).status == 200
    desk.world.clock.advance(seconds=1)
    page = desk.ask(path)
    assert page.status == 410
    assert "CPU" not in page.text
    assert desk.press(path, "resolve").status == 410
    assert incident(desk.world, incident_id).status is Status.OPEN


def test_who_was_disabled_since_cannot_act(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    path = desk.link(incident_id, "ben")
    user = desk.world.table.user("user_ben", deadline())
    assert user
    put(desk.world, directory_items.directory_item(user.model_copy(update={"disabled": True})))
    assert desk.ask(path).status == 404
    assert desk.press(path, "resolve").status == 404
    assert incident(desk.world, incident_id).status is Status.OPEN


def test_a_link_without_its_delivery_is_dead(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    delivery = desk.delivery(incident_id)
    path = desk.path(delivery)
    desk.world.table.client.delete_item(
        TableName=desk.world.table.name, Key=items.delivery_key(incident_id, delivery.id)
    )
    assert desk.press(path, "resolve").status == 404
    assert incident(desk.world, incident_id).status is Status.OPEN


@pytest.mark.parametrize(
    "owner",
    [Owner.service("svc_checkout"), Owner.status_page("page_public"), Owner.user("user_gone")],
    ids=str,
)
def test_only_a_user_acts_by_link(desk: Desk, owner: Owner) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    path = desk.link(incident_id, owner=owner)
    assert desk.press(path, "resolve").status == 404
    assert incident(desk.world, incident_id).status is Status.OPEN


def test_what_strangers_wrote_stays_text(desk: Desk) -> None:
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    sent = desk.world.send(
        event(payload={"summary": evil, "custom_details": {evil: f"</pre></style>{evil}"}})
    )
    service = Service(id="svc_checkout", name=evil, team_id="team_web")
    put(desk.world, directory_items.directory_item(service))
    page = Desk(desk.world, key_name=desk.key_name).ask(desk.link(sent.incident["id"]))
    assert page.status == 200
    assert "<script" not in page.text
    assert "<img" not in page.text
    assert page.text.count("</style>") == 1
    assert "&lt;script&gt;" in page.text


def test_an_address_in_the_details_can_be_followed(desk: Desk) -> None:
    """The runbook. It learns nothing of where its reader comes from."""
    evil = 'javascript:alert(1) https://e.example/"onclick="alert(2)'
    details = {"runbook": "https://runbooks.example/a?b=1&c=2", "other": evil}
    sent = desk.world.send(event(payload={"custom_details": details}))
    page = desk.ask(desk.link(sent.incident["id"]))
    links = [part.split(">")[0] for part in page.text.split("<a ")[1:]]
    found = [each for each in links if "https:" in each]
    runbook = 'href="https://runbooks.example/a?b=1&amp;c=2" rel="noopener noreferrer"'
    other = 'href="https://e.example/" rel="noopener noreferrer"'
    assert found == [f'{runbook} dir="auto"', runbook, other, runbook, other]


def test_details_are_lines_and_the_json_is_one_click_away(desk: Desk) -> None:
    details = {"host": "web-01", "trace": "Traceback:\n  File a.py\nValueError: no"}
    sent = desk.world.send(event(payload={"custom_details": details}))
    page = desk.ask(desk.link(sent.incident["id"]))
    assert "host: web-01\ntrace:\n  Traceback:\n    File a.py\n  ValueError: no" in page.text
    assert "<summary>As JSON</summary>" in page.text
    assert r"Traceback:\n  File a.py\nValueError: no" in page.text


def test_the_runbook_of_the_service_is_within_reach_of_a_thumb(desk: Desk) -> None:
    known = desk.world.table.service("svc_checkout", deadline())
    assert known
    more = {"runbook": "https://wiki.example/checkout", "dashboard": "https://graphs.example/d"}
    put(desk.world, directory_items.directory_item(known.model_copy(update=more)))
    sent = desk.world.send(event())
    page = desk.ask(desk.link(sent.incident["id"]))
    assert 'href="https://wiki.example/checkout" rel="noopener noreferrer" dir="auto">Runbook<' in (
        page.text
    )
    assert ">Dashboard</a>" in page.text


def test_the_page_is_kept_from_everybody_else(desk: Desk) -> None:
    page = desk.ask(desk.link(incident_in(desk.world, Status.OPEN)))
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    for fetched in ("src=", "@import", "url(", "http:", "https:", "<script", "<link"):
        assert fetched not in page.text


def test_a_long_timeline_says_that_it_is_cut(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    for hour in range(1, 11):
        do(desk.world, incident_id, Snooze(desk.world.clock() + timedelta(hours=hour)))
    page = desk.ask(desk.link(incident_id))
    assert "the last 8 entries" in page.text
    assert "Snoozed until 23 Nov 13:00" in page.text
    assert "Snoozed until 23 Nov 04:00" not in page.text


def test_an_acknowledgement_by_a_monitor_has_no_person(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    desk.world.send(event("acknowledge"))
    assert "Acknowledged by Prometheus" in desk.ask(desk.link(incident_id)).text


def test_the_log_holds_no_link(desk: Desk, log: Log) -> None:
    path = desk.link(incident_in(desk.world, Status.OPEN))
    desk.press(path, "acknowledge")
    desk.ask(path)
    assert path.removeprefix("/r/") not in log.text
    assert log.lines[-2]["user_id"] == "user_ada"
    assert log.lines[-2]["result"] == "acknowledged"


def test_everything_else_is_json_and_404(desk: Desk) -> None:
    page = desk.ask("/elsewhere")
    assert (page.status, page.headers["Content-Type"]) == (404, "application/json")


def test_without_any_key_no_link_is_good(desk: Desk) -> None:
    assert desk.ask("/r/" + "A" * 55).status == 404


def test_a_rotated_key_signs_new_links_and_old_ones_work_on(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    before = desk.link(incident_id, step=1)
    assert desk.ask(before).status == 200
    old = desk.ssm.get_parameter(Name=desk.key_name, WithDecryption=True)["Parameter"]["Value"]
    desk.ssm.put_parameter(
        Name=desk.key_name, Value=f"{'ab' * 32},{old}", Type="SecureString", Overwrite=True
    )
    desk.world.clock.advance(seconds=11)
    desk.keys = Desk(desk.world, key_name=desk.key_name).keys
    after = desk.link(incident_id, step=2)
    assert desk.ask(after).status == 200, "a newer key than the function remembers"
    assert desk.ask(before).status == 200
    desk.ssm.put_parameter(Name=desk.key_name, Value="ab" * 32, Type="SecureString", Overwrite=True)
    desk.world.clock.advance(minutes=5)
    assert desk.ask(before).status == 404
    assert desk.ask(after).status == 200


def test_a_page_says_loudly_that_a_hold_is_on(desk: Desk) -> None:
    opened = desk.world.send(event()).incident["id"]
    path = desk.link(opened)
    assert "On hold" not in desk.ask(path, function=desk.responder()).text
    words = ["--for", "15m", "--reason", "<b>New</b> rules"]
    assert Shell(desk.world).opsknight("hold", "on", *words).code == 0
    page = desk.ask(path, function=desk.responder()).text
    assert "On hold until" in page
    assert "(&lt;b&gt;New&lt;/b&gt; rules): OpsKnight pages nobody." in page
    desk.world.clock.advance(minutes=15)
    assert "On hold" not in desk.ask(path, function=desk.responder()).text
