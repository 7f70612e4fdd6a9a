"""What the page behind a link can do besides: escalate, hand on, page others beside whoever has it,
and write a note.
"""

import pytest

from harness.desk import Desk, RawResponse
from harness.pipeline import Pipeline, step
from harness.world import World, deadline
from opsknight.directory.entries import Member, Role, Team, User
from opsknight.escalation.policy import Policy, Step, Target, TargetKind
from opsknight.incident.model import Escalation, RequestedStep, Status
from opsknight.incident.timeline import VIA
from opsknight.notification.message import PageReason
from opsknight.oncall.rotations import Layer, Length, Unit
from opsknight.oncall.schedules import Schedule
from opsknight.store import directory_items
from tests.integration.steps import in_order, incident, incident_in, put

GRACE = User(id="user_grace", name="Grace", email="grace@example.com", role=Role.RESPONDER)


@pytest.fixture
def desk(world: World) -> Desk:
    """A service whose policy pages a schedule, with Grace on call for databases."""
    desk = Desk(world)
    layer = Layer.model_validate(
        {
            "id": "layer_a",
            "name": "a",
            "users": ["user_grace"],
            "length": Length(count=1, unit=Unit.WEEKS),
            "handoff": "09:00",
            "start": "2026-11-02T09:00:00Z",
        }
    )
    schedule = Schedule(id="sch_db", name="Databases", zone="UTC", layers=(layer,))
    empty = Schedule(id="sch_none", name="Empty", zone="UTC")
    security = Team(id="team_sec", name="Security", members=(Member(user_id="user_grace"),))
    policy = Policy(
        id="pol_a",
        name="A",
        version=1,
        steps=(Step(targets=(Target(kind=TargetKind.SCHEDULE, id="sch_db"),)),),
    )
    for entry in (GRACE, schedule, empty, security):
        put(world, directory_items.directory_item(entry))
    world.table.publish(policy, "t" * 32, deadline())
    service = world.service.model_copy(update={"policy_id": "pol_a"})
    put(world, directory_items.directory_item(service))
    desk.configured(teams=["team_sec", "team_web"], schedules=["sch_db", "sch_none"])
    return desk


def more(desk: Desk, path: str) -> RawResponse:
    event = {
        "rawPath": path,
        "requestContext": {"http": {"method": "GET"}},
        "queryStringParameters": {"do": "more"},
    }
    return desk.send(event)


def test_others_are_named_with_why_and_without_numbers(desk: Desk) -> None:
    path = desk.link(incident_in(desk.world, Status.OPEN))
    assert "?do=more" in desk.ask(path).text
    before = in_order(desk.world.items())
    page = more(desk, path)
    assert page.status == 200
    assert 'name="to" value="user_grace"' in page.text
    assert "on call: Databases" in page.text
    assert 'name="to" value="user_ben"' in page.text
    assert "team Web" in page.text
    assert 'value="user_ada"' not in page.text, "the reader"
    assert 'name="whom" value="schedule:sch_db"' in page.text
    assert 'name="whom" value="team:team_sec"' in page.text
    assert "sch_none" not in page.text, "it reaches nobody"
    assert "@example.com" not in page.text
    assert in_order(desk.world.items()) == before


def test_nobody_is_offered_a_team_or_a_schedule_that_is_only_them(desk: Desk) -> None:
    page = more(desk, desk.link(incident_in(desk.world, Status.OPEN), "grace"))
    assert 'name="whom" value="team:team_web"' in page.text
    assert "sch_db" not in page.text and "team_sec" not in page.text


def test_it_is_handed_on_by_name(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    path = desk.link(incident_id)
    assert desk.press(path, "hand-on", to="user_grace").status == 303
    known = incident(desk.world, incident_id)
    assert (known.status, known.assignee_id) == (Status.OPEN, "user_grace")
    page = desk.ask(path)
    assert "Given to Grace by Ada" in page.text
    assert "Nobody has it yet</b>; Grace is paged" in page.text


def test_whoever_was_given_it_has_it_from_then_on(desk: Desk) -> None:
    path = desk.link(incident_in(desk.world, Status.OPEN))
    desk.press(path, "acknowledge")
    desk.world.clock.advance(minutes=20)
    assert "acknowledged 20 min ago" in desk.ask(path).text
    desk.press(path, "hand-on", to="user_grace")
    desk.world.clock.advance(minutes=5)
    assert "Grace has it</b>, given on 5 min ago" in desk.ask(path).text


def test_it_is_escalated_now(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.ACKNOWLEDGED)
    assert desk.press(desk.link(incident_id), "escalate").status == 303
    known = incident(desk.world, incident_id)
    assert (known.status, known.escalation) == (Status.OPEN, Escalation.ESCALATING)
    assert known.requested_step is RequestedStep.NEXT


def test_a_note_is_kept_word_for_word(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    sent = desk.delivery(incident_id, "ada")
    path = desk.path(sent)
    text = "Zurück in 5 min - <b>Ada</b> 🚒"
    assert desk.press(path, "note", text=text).status == 303
    [change] = desk.world.table.changes(incident_id, deadline())
    assert change.detail == {"note": text, VIA: sent.id}
    assert "Ada: Zurück in 5 min - &lt;b&gt;Ada&lt;/b&gt; 🚒" in desk.ask(path).text
    assert desk.press(path, "note", text="x" * 2001).status == 400


@pytest.mark.parametrize(
    ("value", "name", "users"),
    [
        ("schedule:sch_db", "Databases", "user_grace"),
        ("team:team_sec", "Security", "user_grace"),
        ("team:team_web", "Web", "user_ben"),
        ("user:user_ben", "Ben", "user_ben"),
    ],
)
def test_others_are_paged_beside_whoever_has_it(
    desk: Desk, value: str, name: str, users: str
) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    sent = desk.delivery(incident_id, "ada")
    path = desk.path(sent)
    desk.press(path, "acknowledge")
    assert desk.press(path, "also-page", whom=value).status == 303
    known = incident(desk.world, incident_id)
    assert (known.status, known.assignee_id) == (Status.ACKNOWLEDGED, "user_ada")
    change = desk.world.table.latest_changes(incident_id, 1, deadline())[0]
    assert change.detail == {"whom": name, "users": users, VIA: sent.id}
    assert f"Also paged {name} by Ada" in desk.ask(path).text


def test_a_form_that_is_sent_again_pages_nobody_again(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    path, before = desk.link(incident_id), incident(desk.world, incident_id).changes
    for value in ("user:user_ben", "user:user_ben", "team:team_web", "user:user_ben"):
        assert desk.press(path, "also-page", whom=value).status == 303
    assert incident(desk.world, incident_id).changes == before + 1
    desk.press(path, "also-page", whom="team:team_sec")
    assert incident(desk.world, incident_id).changes == before + 2, "that is somebody else"
    desk.world.clock.advance(minutes=2)
    desk.press(path, "also-page", whom="user:user_ben")
    assert incident(desk.world, incident_id).changes == before + 3


@pytest.mark.parametrize("value", ["schedule:sch_none", "user:user_ada"])
def test_to_page_nobody_is_said(desk: Desk, value: str) -> None:
    path = desk.link(incident_in(desk.world, Status.OPEN))
    before = in_order(desk.world.items())
    page = desk.press(path, "also-page", whom=value)
    assert (page.status, "Nobody was paged" in page.text) == (409, True)
    assert in_order(desk.world.items()) == before


@pytest.mark.parametrize("value", ["", "user:", "user:user_gone", "planet:mars", "schedule:x"])
def test_whom_no_form_names_is_refused(desk: Desk, value: str) -> None:
    path = desk.link(incident_in(desk.world, Status.OPEN))
    before = in_order(desk.world.items())
    assert desk.press(path, "also-page", whom=value).status == 400
    assert in_order(desk.world.items()) == before


def test_whoever_is_asked_to_help_gets_a_message_and_the_incident_stays_with_its_own(
    world: World,
) -> None:
    night = Pipeline(world)
    night.escalates(step("ada"), repeat_after=3600)
    incident_id = night.trigger()
    night.hears("email paged").send("acknowledge")
    desk = Desk(world)
    assert desk.press(desk.link(incident_id), "also-page", whom="user:user_ben").status == 303
    night.settle()
    night.hears("email also_paged")
    [asked] = [
        each.message for each in night.listener.heard if each.message.about is PageReason.ALSO_PAGED
    ]
    [brief] = asked.incidents
    assert brief.by == "Ada"
    assert incident(world, incident_id).status is Status.ACKNOWLEDGED
    night.send("resolve")
    night.wait(hours=1)


@pytest.mark.parametrize(
    ("body", "whom", "user_ids"),
    [
        ({"scheduleId": "sch_db"}, "Databases", "user_grace"),
        ({"teamId": "team_sec"}, "Security", "user_grace"),
        ({"userId": "user_ben"}, "Ben", "user_ben"),
    ],
)
def test_a_program_pages_others_beside_whoever_has_it_and_not_twice(
    desk: Desk, body: dict[str, str], whom: str, user_ids: str
) -> None:
    incident_id = incident_in(desk.world, Status.ACKNOWLEDGED)
    path = f"/api/incidents/{incident_id}/also-page"
    for _ in range(2):
        answer = desk.call("POST", path, body)
        assert (answer.status, answer.action) == (200, "also-paged")
    rows = desk.world.table.changes(incident_id, deadline())
    assert [each.detail for each in rows if each.what == "also-paged"] == [
        {"whom": whom, "users": user_ids}
    ]
    assert incident(desk.world, incident_id).status is Status.ACKNOWLEDGED
    desk.world.clock.advance(minutes=3)
    assert desk.call("POST", path, body).status == 200
    assert len(desk.world.table.changes(incident_id, deadline())) == len(rows) + 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"userId": "user_ben", "teamId": "team_sec"},
        {"userId": "user_nobody"},
        {"teamId": "team_none"},
        {"scheduleId": "sch_none"},
        {"scheduleId": "sch_missing"},
    ],
)
def test_a_program_that_asks_for_nobody_is_told_so(desk: Desk, body: dict[str, str]) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    seen = incident(desk.world, incident_id)
    answer = desk.call("POST", f"/api/incidents/{incident_id}/also-page", body)
    assert (answer.status, answer.body["error"]) == (400, "Invalid request body")
    assert answer.body["issues"]
    assert incident(desk.world, incident_id) == seen
