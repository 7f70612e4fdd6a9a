"""Every curl in docs/http-api.md, run as it stands: its answer is the one below it.

With GOLDEN=write in the environment the answers are written anew: read the diff.
"""

import os
import re
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest

from events.handler import Api
from events.hook_secrets import HookSecrets
from events.intake import Intake
from harness import audited
from harness.described import DESCRIBED, operation
from harness.desk import Desk
from harness.examples import examples, laid_out, served
from harness.world import World, deadline, event
from local.programs import ROOT
from opsknight.analytics.days import Day, KeyDay, PersonDay
from opsknight.directory.entries import SCOPES, Role, User
from opsknight.directory.heartbeats import Heartbeat
from opsknight.directory.integrations import Integration
from opsknight.directory.receivers import Channel, Own, Receiver
from opsknight.directory.sessions import LOGIN_LIFE, SESSION_LIFE, Login, Session, Way
from opsknight.directory.status_pages import PublicPage, StatusPage
from opsknight.escalation.policy import Policy, Step, Target, TargetKind, implicit
from opsknight.escalation.steps import Turn, proceed, take
from opsknight.http.directory_cache import DirectoryCache
from opsknight.http.gateway import respond
from opsknight.http.rate_limiter import Limiter
from opsknight.notification.delivery import Attempt, State
from opsknight.oncall.rotations import Layer, Length, Unit
from opsknight.oncall.schedules import Schedule
from opsknight.runtime.ssm_secrets import SecretReader
from opsknight.store.analytics import Analytics, Progress
from opsknight.store.directory_items import directory_item
from opsknight.store.heartbeats import Heartbeats
from opsknight.store.sessions import Sessions
from respond.handler import fault
from tests.integration.steps import incident, put

FILE = ROOT / "docs" / "http-api.md"
DOCUMENT = FILE.read_text(encoding="utf-8")
SCHEDULE = Schedule(
    id="sch_web",
    name="Web",
    zone="Europe/Berlin",
    layers=(
        Layer(
            id="weekly",
            name="Weekly",
            users=("user_ada", "user_ben"),
            length=Length(count=1, unit=Unit.WEEKS),
            handoff=time(9),
            start=datetime(2026, 11, 16, tzinfo=UTC),
        ),
    ),
)


POLICY = Policy(
    id="pol_web",
    name="Web",
    version=1,
    steps=(
        Step(targets=(Target(kind=TargetKind.SCHEDULE, id="sch_web"),)),
        Step(delay=timedelta(minutes=10), targets=(Target(kind=TargetKind.TEAM, id="team_web"),)),
    ),
    repeat=2,
)
PAGE = StatusPage(
    id="page_example",
    name="Example",
    service_ids=("svc_checkout",),
    public=PublicPage(names={"svc_checkout": "Payments"}, automatic_after=timedelta(minutes=10)),
)
METHODS = {
    "ada": (
        Receiver(id="cm_1", name="Mobile", channel=Channel.SMS, to="+4915112345678"),
        Receiver(id="cm_mail", name="Mail", channel=Channel.EMAIL, to="ada@example.com"),
    ),
    "ben": (Receiver(id="cm_2", name="Mail", channel=Channel.EMAIL, to="ben@example.com"),),
}


_STATED = ("code", "post", "addr", "test", "key", "aud")
BACKUP = Integration(
    id="int_backup",
    service_id="svc_checkout",
    name="Nightly backup",
    heartbeat=Heartbeat(every=timedelta(days=1), grace=timedelta(minutes=30)),
)
SUNDAY = Day(
    service_id="svc_checkout",
    day=date(2026, 11, 22),
    incidents=4,
    alerts=19,
    paging=3,
    in_time=2,
    acknowledged={95: 1, 260: 1, 1150: 1},
    resolved={610: 1, 1450: 2, 4100: 1},
    people={
        "user_ada": PersonDay(pages={3: 2}, answered={95: 1, 260: 1}),
        "user_ben": PersonDay(pages={3: 1, 14: 1}, answered={40: 1}),
    },
    keys={"disk-db-1": KeyDay(title="Disk of db-1 is almost full", incidents=3, alerts=12)},
)


class Ids:
    """The same in every run."""

    def __init__(self) -> None:
        self._made: Counter[str] = Counter()

    def __call__(self, prefix: str, at: datetime) -> str:
        self._made[prefix] += 1
        # These stand in the document, wherever among the examples that is.
        at = datetime(2026, 11, 23, 3, tzinfo=UTC) if prefix in _STATED else at
        rest = sha256(f"{prefix} {self._made[prefix]}".encode()).hexdigest()[:16]
        return f"{prefix}_{int(at.timestamp() * 1000):012x}{rest}"


@pytest.fixture
def desk(world: World) -> Desk:
    """A night in which three incidents were opened, and Ada was paged about the first."""
    world, new_id = world, Ids()
    numbers = count(1)

    def new_secret() -> str:
        return sha256(f"secret {next(numbers)}".encode()).hexdigest()[:32]

    desk = Desk(world, new_id=new_id, new_secret=new_secret)
    desk.ssm.put_parameter(Name=desk.key_name, Value="5e" * 32, Type="SecureString")
    world.table.create([SCHEDULE], {}, token_hex(8), deadline())
    world.table.publish(POLICY, token_hex(8), deadline())
    put(world, directory_item(PAGE))
    for name, methods in METHODS.items():
        user = world.table.user(f"user_{name}", deadline())
        assert user
        theirs = {"contact_methods": methods, "own": Own(contact_methods=True)}
        put(world, directory_item(user.model_copy(update=theirs)))
    # She is in no list: other examples say who there is.
    put(world, directory_item(User(id="user_fay", name="Fay", email="f@x.org", role=Role.ADMIN)))
    session = Session(
        id="ses_1",
        user_id="user_ada",
        way=Way.LINK,
        agent="Mozilla/5.0 (Android 16; Mobile; rv:145.0)",
        created_at=world.clock(),
        ends_at=world.clock() + SESSION_LIFE,
    )
    sessions = Sessions(world.table)
    login = Login(user_id="user_ada", ends_at=world.clock() + LOGIN_LIFE)
    sessions.offer("a login", login, deadline())
    assert sessions.begin(
        "a login", "a cookie", session, token_hex(8), deadline(), audit=audited.entry()
    )
    put(world, directory_item(BACKUP))
    assert BACKUP.heartbeat is not None
    last = world.clock() - timedelta(hours=1)
    Heartbeats(world.table).beat("svc_checkout", BACKUP.id, BACKUP.heartbeat, last, deadline())
    rows = Analytics(world.table)
    rows.put_day(SUNDAY, deadline())
    rows.advance(None, Progress(day=date(2026, 11, 23)), deadline())
    desk.configured(
        users=["user_ada", "user_ben"],
        integrations=["svc_checkout/int_backup"],
        teams=["team_web"],
        policies=["pol_web"],
        services=["svc_checkout", "svc_reports"],
        schedules=["sch_web"],
    )
    background = ThreadPoolExecutor(max_workers=2)
    intake = Intake(world.table, Limiter(world.counters), new_id, background)
    hooks = HookSecrets(lambda: SecretReader(desk.ssm), "")
    events = Api(DirectoryCache(world.table, background), intake, hooks, world.clock)
    sent = [
        (world.integration_key, event("trigger", "latency", "error", payload=LATENCY)),
        (world.integration_key, event("trigger", "cpu", "warning")),
        (world.api_key, event("trigger", "nightly", "critical", payload=NIGHTLY)),
    ]
    opened = []
    for key, body in sent:
        asked = body | {"service_id": "svc_reports"}
        opened.append(world.send(asked, key=key, api=events).incident["id"])
        world.clock.advance(seconds=20)
    turn = proceed(incident(world, opened[0]), implicit("team_web"), world.clock(), lambda _: None)
    assert isinstance(turn, Turn)
    paged = take(turn, ["user_ada"], world.clock())
    world.table.apply(paged, token_hex(8), deadline())
    attempt = Attempt(at=world.clock(), outcome="sent", ms=212)
    desk.delivery(opened[0], state=State.SENT, attempts=(attempt,))
    world.clock.at = datetime(2026, 11, 23, 3, 5, tzinfo=UTC)
    return desk


LATENCY = {
    "summary": "Replica of orders-db is 90 s behind",
    "source": "db-probe",
    "custom_details": {"lag_seconds": 90.4, "replica": "orders-db-2"},
}
NIGHTLY = {"summary": "The nightly report did not run", "source": "cron"}


def test_every_example(desk: Desk, tmp_path: Path) -> None:
    keys = {
        "OPSKNIGHT_API_KEY": desk.key("ada", *SCOPES, key_id="key_ci"),
        "READING_KEY": desk.key("ada", "incidents:read", key_id="key_reading"),
        "BENS_KEY": desk.key("ben", *SCOPES),
        "ADMIN_KEY": desk.key("fay", *SCOPES),
    }
    written, last = [], 0

    def answered(sent: Mapping[str, Any]) -> dict[str, Any]:
        return respond(sent, lambda: desk.door(sent["rawPath"]), fault)

    with served(answered) as api:
        for example in examples(DOCUMENT):
            answer = laid_out(api.run(example, tmp_path, **keys)) + "\n"
            assert api.statuses.pop() == example.status, example.program + answer
            assert not api.statuses, "one request an example"
            if os.environ.get("GOLDEN") != "write":
                assert example.answer == answer, example.program
            written += [DOCUMENT[last : example.place.start], answer]
            last = example.place.stop
            desk.world.clock.advance(seconds=15)
    if os.environ.get("GOLDEN") == "write":
        FILE.write_text("".join(written) + DOCUMENT[last:], encoding="utf-8")


def test_no_curl_is_left_out() -> None:
    assert len(re.findall(r"\bcurl ", DOCUMENT)) == len(examples(DOCUMENT)) > 20


def test_every_operation_has_an_example() -> None:
    shown = set()
    for example in examples(DOCUMENT):
        [path] = re.findall(r'\$OPSKNIGHT_URL([^"?\s]+)', example.program)
        method = re.search(r"-X ([A-Z]+)", example.program)
        found = operation(method[1] if method else "GET", path)
        assert found, example.program
        shown.add(found["operationId"])
    described = {
        each["operationId"]
        for item in DESCRIBED["paths"].values()
        for name, each in item.items()
        if name != "parameters" and each["tags"][0] not in ("events", "deployment")
    }
    assert shown == described
