"""People act at the same moment, processes die in the middle of it, and nonsense arrives: by links,
by buttons in Slack and by the HTTP API, on a real server.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness import described
from harness.crowd import at_once
from harness.desk import Desk
from harness.faults import DEATHS, DISTINCT, Died, Fault, Point, Process
from harness.fuzzing import JSON, RARELY, TEXT
from harness.invariants import check
from harness.world import Response, World, build, deadline, event, http_event
from opsknight.directory.entries import SCOPES
from opsknight.http.gateway import respond
from opsknight.incident.model import Incident, Status
from opsknight.store import incident_items, items
from respond.handler import fault
from respond.routes import ROUTES

ACTIONS = [
    route.path.rpartition("/")[2]
    for route in ROUTES
    if route.path.startswith("/api/incidents/{incidentId}/")
]


def opened(world: World, dedup_key: str = "cpu-high") -> str:
    incident_id: str = world.send(event(dedup_key=dedup_key)).incident["id"]
    return incident_id


def known(world: World, incident_id: str) -> Incident:
    found = world.table.incident(incident_id, deadline())
    assert found is not None
    return found


def press(action: str, incident_id: str) -> dict[str, Any]:
    return {
        "type": "block_actions",
        "user": {"id": "U1", "username": "grace"},
        "actions": [{"action_id": action, "value": incident_id}],
    }


# Races


def test_of_many_who_acknowledge_at_once_one_has_it(
    server_world: World, dynamodb_server: str
) -> None:
    desk = Desk(server_world, dynamodb_server)
    for round_ in range(5):
        incident_id = opened(server_world, f"k{round_}")
        links = [desk.link(incident_id, user) for user in ("ada", "ben", "eve")] * 3
        functions = [desk.responder() for _ in links]
        pages = at_once(
            [
                lambda link=link, function=function: desk.press(link, "acknowledge", function)  # type: ignore[misc]
                for link, function in zip(links, functions, strict=True)
            ]
        )
        assert {page.status for page in pages} == {303}
        (change,) = server_world.table.changes(incident_id, deadline())
        assert known(server_world, incident_id).assignee_id == change.actor.id
    check(server_world)


def test_two_who_want_different_things_both_learn_what_became_of_it(
    server_world: World, dynamodb_server: str
) -> None:
    desk = Desk(server_world, dynamodb_server)
    key = desk.key("ada", *SCOPES)
    wishes = [
        ("resolve", None),
        ("snooze", {"minutes": 5}),
        ("suppress", None),
        ("acknowledge", None),
        ("escalate", None),
        ("notes", {"text": "x"}),
    ]
    for round_ in range(5):
        incident_id = opened(server_world, f"k{round_}")
        functions = [desk.responder() for _ in wishes]

        def wish(number: int, at: str = incident_id, crowd: Any = functions) -> Response:
            action, body = wishes[number]
            path = f"/api/incidents/{at}/{action}"
            return desk.call("POST", path, body, key=key, function=crowd[number])

        answers = at_once([lambda n=n: wish(n) for n in range(len(wishes))])  # type: ignore[misc]
        assert {answer.status for answer in answers} <= {200, 409}
        assert answers[0].status == 200, "what is active can be resolved"
        moved = sum(answer.status == 200 for answer in answers)
        changes = server_world.table.changes(incident_id, deadline())
        assert len(changes) <= moved, "some were so already"
        assert changes[-1].what == "resolved"
        for answer in answers:
            if answer.status == 409:
                assert answer.body["status"] in set(Status)
    check(server_world)


# Deaths and faults


@dataclass(frozen=True)
class Path:
    name: str
    what: str
    """Of the change that it makes."""
    send: Callable[[Desk, str], int]
    """The status of the answer."""
    calls: int
    done: int = 200
    again: frozenset[int] = frozenset({200})
    confirms: bool = False
    """Whether it remembers, once it has acted, that the message arrived."""

    def __str__(self) -> str:
        return self.name


def by_api(action: str, body: Any = None) -> Callable[[Desk, str], int]:
    def send(desk: Desk, incident_id: str) -> int:
        return desk.call("POST", f"/api/incidents/{incident_id}/{action}", body).status

    return send


PATHS = (
    Path(
        "acknowledge by link",
        "acknowledged",
        lambda desk, incident_id: desk.press(LINKS[incident_id], "acknowledge").status,
        5,
        303,
        frozenset({303}),
        confirms=True,
    ),
    Path(
        "resolve in Slack",
        "resolved",
        lambda desk, incident_id: desk.slack(press("resolve", incident_id)).status,
        7,
    ),
    Path("acknowledge by API", "acknowledged", by_api("acknowledge"), 7),
    Path("resolve by API", "resolved", by_api("resolve"), 7, again=frozenset({200, 409})),
    Path("suppress by API", "suppressed", by_api("suppress"), 7),
)
LINKS: dict[str, str] = {}


class Stage:
    def __init__(self, endpoint: str, path: Path) -> None:
        self.endpoint, self.path = endpoint, path
        self.world = build(endpoint)
        self.desk = Desk(self.world, endpoint)
        self.desk.everything = self.desk.key("ada", *SCOPES)
        self.takes = 0
        self.incident_id = ""

    def prepare(self) -> None:
        self.takes += 1
        # Nobody is to meet the rate limit.
        self.world.clock.advance(minutes=2)
        self.incident_id = opened(self.world, f"take-{self.takes}")
        LINKS[self.incident_id] = self.desk.link(self.incident_id)

    def play(self, process: Process) -> int:
        """The path in a process of its own that remembers nothing. Raises Died."""
        desk = Desk(
            process.runs(self.world, self.endpoint),
            self.endpoint,
            self.desk.key_name,
            self.desk.slack_name,
            everything=self.desk.everything,
        )
        process.watching = True
        return self.path.send(desk, self.incident_id)

    def calls(self) -> list[Point]:
        self.prepare()
        process = Process()
        assert self.play(process) == self.path.done
        assert len(process.calls) >= self.path.calls
        return sorted(process.calls, key=str)

    def whats(self) -> list[str]:
        return [each.what for each in self.world.table.changes(self.incident_id, deadline())]


@pytest.mark.parametrize("path", PATHS, ids=str)
@pytest.mark.parametrize("death", DEATHS, ids=str)
def test_after_a_death_acting_again_is_as_acting_once(
    dynamodb: str, path: Path, death: Fault
) -> None:
    stage = Stage(dynamodb, path)
    for point in stage.calls():
        stage.prepare()
        with pytest.raises(Died):
            stage.play(Process(death, point))
        written = point.operation == "TransactWriteItems" and death.moment == "after"
        written |= path.confirms and point.operation == "UpdateItem"
        assert stage.whats() == ([path.what] if written else []), point
        answer = stage.play(Process())
        assert answer in (path.again if written else {path.done}), point
        assert stage.whats() == [path.what], point
    check(stage.world)


@pytest.mark.soak
@pytest.mark.parametrize("path", PATHS, ids=str)
def test_a_call_that_fails_is_made_good_within_the_request(
    dynamodb: str, path: Path, full_size: bool
) -> None:
    stage = Stage(dynamodb, path)
    for trouble, point in product(DISTINCT if full_size else DISTINCT[:3], stage.calls()):
        if trouble.writes_only and point.operation != "TransactWriteItems":
            continue
        stage.prepare()
        where = f"{trouble}: {point}"
        assert stage.play(Process(trouble, point)) == path.done, where
        assert stage.whats() == [path.what], where
    check(stage.world)


# Nonsense

SEGMENTS = st.sampled_from(
    [
        *("api", "incidents", "services", "schedules", "oncall", "maintenance", "overrides", "ID"),
        *("svc_checkout", "r", "slack", "actions", *ACTIONS),
    ]
)
NAMES = ("title", "serviceId", "urgency", "until", "minutes", "text", "userId", "end", "start")
VALUES = st.sampled_from(
    [
        *("svc_checkout", "user_ben", "HIGH", "2026-11-23T05:00:00Z", "0001-01-01T00:00:00+23:59"),
        *("9999-12-31T23:59:59.999999-23:59", 60, 1e308, "x", "#", "\0", "\ud800", True, [], {}),
    ]
)
PLACES = st.sampled_from(
    [
        *("/api/incidents", "/api/incidents/ID", "/api/services/svc_checkout/maintenance"),
        *(f"/api/incidents/ID/{action}" for action in ACTIONS),
        *("/api/oncall", "/api/schedules/sch_1/overrides", "/r/TOKEN", "/slack/actions"),
    ]
)


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """With ID where an incident's id belongs."""
    strange = st.lists(SEGMENTS | TEXT, max_size=5).map(lambda s: "/" + "/".join(s))
    path = draw(strange if draw(RARELY) else PLACES)
    body = draw(
        st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4).map(json.dumps)
        | JSON.map(json.dumps)
        | TEXT
    )
    methods = st.sampled_from(["GET", "POST", "POST", "POST", "PATCH", "DELETE", "HEAD"])
    sent = http_event(body, method=draw(methods), path=path)
    names = st.sampled_from(["status", "service", "team", "since", "limit", "cursor", "at"])
    sent["queryStringParameters"] = draw(
        st.dictionaries(names | TEXT, VALUES.map(str) | TEXT, max_size=3)
    )
    return sent


@pytest.fixture
def stage(dynamodb: str) -> Iterator[tuple[Desk, str]]:
    world = build(dynamodb)
    desk = Desk(world, dynamodb)
    desk.configured(services=["svc_checkout"])
    desk.everything = desk.key("ada", *SCOPES)
    yield desk, opened(world)
    world.close()


@pytest.mark.soak
def test_no_request_is_answered_5xx(
    stage: tuple[Desk, str], say: Callable[[str], None], full_size: bool
) -> None:
    desk, incident_id = stage
    statuses: Counter[int] = Counter()
    ids = [incident_id]

    @settings(max_examples=settings().max_examples * (25 if full_size else 6))
    @given(sent=requests())
    @example(sent=http_event("", path="/r/%00"))
    def property(sent: dict[str, Any]) -> None:
        desk.world.clock.advance(seconds=1)
        asked = json.loads(json.dumps(sent).replace("ID", ids[-1]))
        asked["headers"] = {"authorization": f"Bearer {desk.everything}"}
        answer = respond(asked, lambda: desk.function, fault)
        status = answer["statusCode"]
        statuses[status] += 1
        assert status < 500, asked
        for name, value in answer["headers"].items():
            assert f"{name}{value}".isprintable()
        if answer["headers"]["Content-Type"] == "application/json":
            told = json.loads(answer["body"], parse_constant=pytest.fail)
            assert isinstance(told, dict)
            if operation := described.operation(
                asked["requestContext"]["http"]["method"], asked["rawPath"]
            ):
                described.check(operation, status, answer["headers"], told)
        json.dumps(answer).encode()
        if known(desk.world, ids[-1]).status is Status.RESOLVED:
            ids.append(opened(desk.world, f"k{len(ids)}"))

    property()
    say(f"answers by status: {dict(sorted(statuses.items()))}")
    assert statuses[200] and statuses[400] and statuses[404]
    check(desk.world)


# Lists


@pytest.mark.soak
def test_what_is_resolved_costs_a_list_nothing(
    world: World, dynamodb: str, say: Callable[[str], None], full_size: bool
) -> None:
    """Of active ones, and of the newest resolved ones: as much is read with 10 as with 10,000."""
    desk = Desk(world, dynamodb)
    desk.everything = desk.key("ada", *SCOPES)
    for number in range(60):
        opened(world, f"k{number}")
    model = known(world, opened(world, "model"))

    def resolve(count: int, of: str) -> None:
        at = world.clock()
        rows = []
        for number in range(count):
            fields = {"id": f"inc_0{of}{number:026x}", "status": Status.RESOLVED}
            each = model.model_copy(update={**fields, "resolved_at": at, "dedup_key": f"r{number}"})
            item = incident_items.incident_item(each)
            item["listing"] = {"S": items.listing(each, at - timedelta(days=31 * (number % 3)))}
            rows.append({"PutRequest": {"Item": item}})
        for start in range(0, count, 25):
            world.table.client.batch_write_item(
                RequestItems={world.table.name: rows[start : start + 25]}  # type: ignore[dict-item]
            )

    read: list[tuple[int, int]] = []

    def note(parsed: dict[str, Any], **_: object) -> None:
        read.append((1, parsed["ScannedCount"]))

    hooks: Any = world.table.client.meta.events
    hooks.register("after-call.dynamodb.Query", note)

    def costs(query: str) -> tuple[int, int]:
        read.clear()
        answer = desk.call("GET", f"/api/incidents?{query}")
        assert answer.status == 200
        return len(read), sum(rows for _, rows in read)

    queries = ("limit=50", "status=RESOLVED&service=svc_checkout&limit=3")
    resolve(10, "a")
    before = [costs(query) for query in queries]
    more = 10_000 if full_size else 300
    resolve(more, "b")
    after = [costs(query) for query in queries]
    say(f"queries and rows read: {before} with 10 resolved, {after} with {more + 10}")
    assert before[0] == after[0] == (1, 50)
    assert after[1][1] <= 50
    assert after[1][0] <= 2
