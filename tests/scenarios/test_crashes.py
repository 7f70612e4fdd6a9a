"""A process that dies, and a call without an answer, at every DynamoDB call of every path."""

import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import product
from random import Random

import pytest

from harness.background import AtOnce, Busy
from harness.dynamodb import connect
from harness.faults import DEATHS, DISTINCT, FAULTS, Died, Fault, Point, Process
from harness.invariants import check
from harness.processes import announce
from harness.world import Response, World, build, event
from opsknight.directory.rate_limit import LIMIT, Minute
from opsknight.http.directory_cache import DirectoryCache
from opsknight.http.rate_limiter import Limiter
from opsknight.store.calls import RATES_CONFIG, TABLE_CONFIG


@dataclass(frozen=True)
class Path:
    name: str
    calls: int
    """How many it makes without a fault, when this was written; fewer means fewer are tried."""
    action: str
    again: str
    """What the same event is answered when it was carried out already."""
    sends: str = "trigger"
    before: tuple[str, ...] = ()
    alerts: int = 0
    """How many it adds."""
    status: int = 202
    key: str = "integration_key"
    cold: bool = False
    large: bool = False
    background: type[ThreadPoolExecutor] = ThreadPoolExecutor
    """What makes the calls side by side with those of the request."""

    def __str__(self) -> str:
        return self.name


PATHS = (
    Path("new trigger", 3, "triggered", "deduplicated", alerts=1),
    Path("one more trigger", 4, "deduplicated", "deduplicated", before=("trigger",), alerts=1),
    Path(
        "one more trigger, stored before it is counted",
        4,
        "deduplicated",
        "deduplicated",
        before=("trigger",),
        alerts=1,
        background=AtOnce,
    ),
    Path(
        "one more trigger, counted before it is stored",
        4,
        "deduplicated",
        "deduplicated",
        before=("trigger",),
        alerts=1,
        background=Busy,
    ),
    Path("acknowledge", 3, "acknowledged", "acknowledged", "acknowledge", ("trigger",)),
    Path(
        "acknowledge again",
        2,
        "acknowledged",
        "acknowledged",
        "acknowledge",
        ("trigger", "acknowledge"),
    ),
    Path("resolve", 3, "resolved", "ignored", "resolve", ("trigger",)),
    Path("nothing to resolve", 2, "ignored", "ignored", "resolve"),
    Path("body in chunks", 5, "triggered", "deduplicated", alerts=1, large=True),
    Path(
        "one more body in chunks",
        6,
        "deduplicated",
        "deduplicated",
        before=("trigger",),
        alerts=1,
        large=True,
        background=AtOnce,
    ),
    Path("refused, and loud", 5, "", "", alerts=1, status=429, background=AtOnce),
    Path("integration key not in memory", 5, "triggered", "deduplicated", alerts=1, cold=True),
    Path(
        "API key not in memory",
        6,
        "triggered",
        "deduplicated",
        alerts=1,
        cold=True,
        key="user_api_key",
    ),
)
COUNTER = Point("UpdateItem", "rates", 1)
ALERT_COUNT = Point("UpdateItem", "main", 1)
# Hardly to be compressed, so that it takes chunks of its own.
LARGE = "".join(chr(number) for number in Random(2).choices(range(35, 91), k=370_000))


class Stage:
    """One path in one world, played again and again under new dedup keys."""

    def __init__(self, endpoint: str, path: Path) -> None:
        self.world = build(endpoint)
        self.endpoint = endpoint
        self.path = path
        self.takes = 0
        self.patience: float | None = None
        self.had = 0
        self.unanswered = 0
        """Requests that died or went unanswered: each may leave one alert not as counted."""

    def play(self, process: Process) -> Response:
        """What comes before, then the request in question in a process of its own. Raises Died."""
        self.takes += 1
        self.world.clock.advance(minutes=2)
        for action in self.path.before:
            assert self.send(self.world, action).status == 202
        world = process.runs(self.world, self.endpoint)
        api = world.api(self.patience)
        intake = replace(api.intake, background=self.path.background(max_workers=2))
        world.apis = [replace(api, intake=intake)]
        if not self.path.cold:
            assert world.send(event("resolve", "never seen")).action == "ignored"
        if self.path.status == 429:
            self.use_up()
        self.had = self.alerts()
        process.watching = True
        try:
            return self.send(world, self.path.sends)
        finally:
            for api in world.apis:
                api.intake.background.shutdown()

    def again(self) -> Response:
        """The same request to a process that knows nothing of the first."""
        return self.send(Process().runs(self.world, self.endpoint), self.path.sends)

    def send(self, world: World, action: str) -> Response:
        details = {"custom_details": {"dump": LARGE}} if self.path.large else {}
        body = event(action, f"take-{self.takes}", payload=details, service_id=world.service.id)
        return world.send(body, key=getattr(world, self.path.key))

    def use_up(self) -> None:
        counters, minute = self.world.counters, Minute.of(self.world.clock())
        counters.client.update_item(
            TableName=counters.name,
            Key={"pk": {"S": f"key_int_prometheus#{minute.number}"}},
            UpdateExpression="SET requests = :limit",
            ExpressionAttributeValues={":limit": {"N": str(LIMIT)}},
        )

    def calls(self) -> list[Point]:
        """Of the uninterrupted run."""
        if self.path.status == 429:
            # The first report opens an incident, and all others add to it.
            self.play(Process())
        process = Process()
        self.right(self.play(process))
        return sorted(process.calls, key=str)

    @property
    def merges(self) -> bool:
        """Whether the path adds an alert by two plain writes."""
        return bool(self.path.alerts) and (self.path.status == 429 or bool(self.path.before))

    def alerts(self) -> int:
        found = check(self.world, self.unanswered)
        return sum(len(alerts) for alerts in found.alerts.values())

    def right(self, answer: Response, where: str = "", *, uncounted: bool = False) -> None:
        """`uncounted`: the limiter gave no answer, so the event passes."""
        passes = uncounted and self.path.status == 429
        status, action = (202, "triggered") if passes else (self.path.status, self.path.action)
        assert answer.status == status, where
        if status == 202:
            assert answer.action == action, where
            assert ("RateLimit-Remaining" in answer.headers) != uncounted, where


@pytest.fixture
def stage(dynamodb: str, path: Path) -> Stage:
    return Stage(dynamodb, path)


def test_every_call_of_every_path_is_known(dynamodb: str, say: Callable[[str], None]) -> None:
    """The points at which the tests below strike."""
    found = {path: Stage(dynamodb, path).calls() for path in PATHS}
    for path, calls in found.items():
        say(f"{path}: {len(calls)} calls: " + ", ".join(call.operation for call in calls))
    say(f"{sum(map(len, found.values()))} points")
    fallen = {path.name for path, calls in found.items() if len(calls) < path.calls}
    assert not fallen, "fewer calls than there were: lower the number only if that is meant"


@pytest.mark.parametrize("path", PATHS, ids=str)
@pytest.mark.parametrize("death", DEATHS, ids=str)
def test_after_a_death_the_next_event_works(stage: Stage, path: Path, death: Fault) -> None:
    for point in stage.calls():
        with pytest.raises(Died):
            stage.play(Process(death, point))
        # What was left behind is whole, or nothing; of a plain merge, none, one or both writes.
        stage.unanswered += stage.merges
        left = stage.alerts() - stage.had
        written = point.operation == "TransactWriteItems" and death.moment == "after"
        assert left in ((0, 1) if stage.merges else (path.alerts * written,)), point
        if (path.background, point.operation) == (Busy, "PutItem"):
            assert left == (death.moment == "after"), "the last of all calls"
        answer = stage.again()
        assert answer.status == path.status, point
        if answer.status == 202:
            assert answer.action == (path.again if written else path.action), point
        assert stage.alerts() - stage.had == path.alerts + left, point


@pytest.mark.soak
@pytest.mark.parametrize("path", PATHS, ids=str)
def test_a_call_that_fails_is_made_good_within_the_request(
    stage: Stage, path: Path, full_size: bool
) -> None:
    """Whether DynamoDB did what it was asked or not: the answer is right, nothing is doubled."""
    every = full_size or path is PATHS[0]
    for fault, point in product(FAULTS if every else DISTINCT, stage.calls()):
        if fault.writes_only and point.operation != "TransactWriteItems":
            continue
        where = f"{fault}: {point}"
        process = Process(fault, point)
        answer = stage.play(process)
        assert point in process.calls, where
        # A count without an answer is repeated, and may have been carried out before.
        stage.unanswered += point == ALERT_COUNT and fault.moment == "after"
        stage.right(answer, where, uncounted=point == COUNTER)
        assert stage.alerts() - stage.had == path.alerts, where


@pytest.mark.soak
@pytest.mark.parametrize("path", [path for path in PATHS if path.alerts], ids=str)
def test_a_call_that_never_succeeds_ends_in_a_503(
    stage: Stage, path: Path, full_size: bool
) -> None:
    """After our patience. Without the limiter the event passes; a refusal stays one."""
    lasting = [fault for fault in FAULTS if full_size or fault in DISTINCT[:2]]
    for fault, point in product(lasting, stage.calls()):
        if fault.writes_only and point.operation != "TransactWriteItems":
            continue
        where = f"{fault}: {point}"
        stage.patience = None if point == COUNTER else 0.25
        process = Process(fault, point, lasting=True)
        answer = stage.play(process)
        tried = [call for call in process.calls if call.operation == "UpdateItem"]
        stage.unanswered += len(tried) * stage.merges
        if point == COUNTER:
            stage.right(answer, where, uncounted=True)
        elif path.status == 429 and point != Point("GetItem", "main", 1):
            assert answer.status == 429, where
        else:
            unavailable(answer, where)
        check(stage.world, stage.unanswered)
        # It is over, and the sender tries again.
        assert stage.again().status == path.status, where
        check(stage.world, stage.unanswered)


def unavailable(answer: Response, where: str = "") -> None:
    assert answer.status == 503, where
    assert answer.body == {"error": "Service unavailable"}
    assert int(answer.headers["Retry-After"]) >= 1


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
def test_dynamodb_gone_is_a_503_soon(world: World, warm: bool) -> None:
    gone = connect(closed_port(), TABLE_CONFIG)
    table = replace(world.table, client=gone)
    limiter = Limiter(replace(world.counters, client=connect(closed_port(), RATES_CONFIG)))
    api = world.api(patience=0.2)
    assert world.send(event(), api=api).status == 202
    directory = (
        replace(api.directory, table=table)
        if warm
        else DirectoryCache(table, api.directory.background)
    )
    intake = replace(api.intake, table=table, limiter=limiter)
    away = replace(api, directory=directory, intake=intake)
    for _ in range(2):
        began = time.monotonic()
        unavailable(world.send(event(), api=away))
        assert time.monotonic() - began < 2
    assert world.send(event(), api=api).action == "deduplicated"
    assert check(world).active[0]["alert_count"] == 2


def closed_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


PLANNING = (Point("GetItem", "main", 1), Point("UpdateItem", "main", 1))


@pytest.mark.parametrize("fault", [*DEATHS, *FAULTS], ids=str)
def test_planning_what_is_told_of_a_change_survives(
    dynamodb: str, world: World, fault: Fault
) -> None:
    """Until it is recorded as done the time stands at which a sweep would do it."""
    for number, point in enumerate(PLANNING):
        if fault.writes_only:
            continue
        incident = world.send(event(dedup_key=f"planned-{number}")).incident["id"]
        process = Process(fault, point, watching=True)
        table = process.runs(world, dynamodb).table
        if fault in DEATHS:
            with pytest.raises(Died):
                announce(incident, world, table)
            recorded = (point.operation, fault.moment) == ("UpdateItem", "after")
            assert ("announce" in check(world).incidents[incident]["timers"]) != recorded
            announce(incident, world)
        else:
            announce(incident, world, table)
        assert point in process.calls
        planned = check(world).incidents[incident]
        assert (planned["announced"], "announce" in planned["timers"]) == (1, False)
