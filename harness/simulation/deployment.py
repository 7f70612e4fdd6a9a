"""The whole deployment in one night: the code's own functions, over models of all that they use.

The only module that knows how the product is entered: by the handlers that the template names, by
API Gateway's requests, and by its command line.
"""

import io
import json
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from harness.simulation import machine, providers, template, twilio
from harness.simulation.bucket import Bucket, BucketClient
from harness.simulation.clients import (
    DynamoClient,
    ParameterClient,
    QueueClient,
    TopicClient,
    stack,
)
from harness.simulation.dynamodb import DynamoDB
from harness.simulation.functions import Doom, Lambda, Process, Version
from harness.simulation.hub import Future, Hub
from harness.simulation.journal import Journal, Published, Told
from harness.simulation.queues import Queue
from harness.simulation.receivers import OURS, Mail, Phone, Receivers, Website
from harness.simulation.sandbox import Sandbox, current
from harness.simulation.streams import Stream
from harness.simulation.ticks import Ticks
from harness.simulation.upgrade import Upgrade
from harness.simulation.weather import Outage, Weather
from harness.simulation.web import Answer
from harness.simulation.writes import failure

OPERATORS_PROGRAM: Final = "opsknight_cli.main.main"
# API Gateway waits for so long.
ASYNCHRONOUS_RETRIES: Final = (60.0, 120.0)
PAGES: Final = template.Schedule("PublishFunction", 60.0)
"""Only nights with a status page have it: it costs each minute of a night."""


@cache
def version(root: Path, name: str = "") -> Version:
    """Loaded once for all nights: what a process keeps is in its own memory."""
    functions = template.functions(root)
    handlers = (each.handler for each in functions.values())
    program = machine.load(root, entries=(*handlers, OPERATORS_PROGRAM))
    return Version(functions, program, name)


@dataclass(repr=False)
class Deployment:
    seed: int | str
    weather: Weather
    shape: template.Deployment = field(default_factory=template.deployment)
    outages: list[Outage] = field(default_factory=list[Outage])
    hub: Hub = field(init=False)
    journal: Journal = field(default_factory=Journal)
    queues: dict[str, Queue] = field(init=False)
    parameters: dict[str, str] = field(default_factory=dict[str, str])
    root: Path = machine.ROOT
    """Where the code is that runs: here, or in another tree."""
    upgrade: Upgrade | None = None
    """From the code of another tree to that at `root`, and perhaps back."""
    doom: Doom | None = None
    publishes: bool = False
    """Whether there are public status pages: their worker wakes each minute."""

    def __post_init__(self) -> None:
        self.hub = hub = Hub(self.seed)
        self.database = DynamoDB(hub, self.weather, self.shape.tables, self._changed)
        self.receivers = Receivers(hub, self.weather, self.journal, self.outages)
        self.functions = Lambda(hub, self.weather, self.journal, self, self._version)
        self.functions.broken = self._is_broken
        self.streams = [
            Stream(each, hub, self.weather, self.journal, self.functions)
            for each in self.shape.stream_sources
        ]
        sources = {each.queue: each for each in self.shape.queue_sources}
        self.queues = {
            name: Queue(each, sources.get(name), hub, self.weather, self.journal, self.functions)
            for name, each in self.shape.queues.items()
        }
        self._outside = self.functions.process("outside", {}, mortal=False)
        current.find = self._current
        self._is_busy: list[Future] = []
        self.bucket = Bucket(self._published)

    def _current(self) -> Sandbox:
        life = self.hub.life()
        return life if isinstance(life, Process) else self._outside

    def _is_broken(self, function: str) -> bool:
        now = self.hub.now
        return any(each.to == function and each.since <= now < each.until for each in self.outages)

    def _version(self, name: str) -> Version:
        """The version that is called as `name`, a function or the operators' program."""
        present, upgrade = version(self.root), self.upgrade
        if upgrade is None or upgrade.reaches_present(name, self.hub):
            return present
        older = version(upgrade.older, "older ")
        return older if name == OPERATORS_PROGRAM or name in older.functions else present

    def begin(self) -> None:
        """From now on the clock ticks."""
        pages = [PAGES] if self.publishes else []
        for schedule in (*self.shape.schedules, *pages):
            # The worker of status pages is not tried again: the next minute asks for all.
            retries = () if schedule is PAGES else ASYNCHRONOUS_RETRIES
            wake = partial(self._wake, schedule.function, retries=retries)
            Ticks(schedule.every, wake, self.hub, self.weather, self.journal).begin()

    def run(self, seconds: float) -> None:
        current.find = self._current
        self.hub.run(self.hub.now + seconds)

    # Streams wake functions, too.

    def _changed(self, table: str, kind: str, _key: object, item: Mapping[str, Any]) -> None:
        if self.shape.tables[table].streams and self.hub.life() is not None:
            for stream in self.streams:
                stream.tell(kind, item)

    def schedule(self, function: str) -> None:
        """Wakes it once, as its schedule does."""
        self._wake(function, {}, ASYNCHRONOUS_RETRIES)

    def _wake(self, function: str, event: Mapping[str, Any], retries: tuple[float, ...]) -> None:
        def done(future: Future) -> None:
            if future.exception() is not None and retries:
                self.hub.later(retries[0], lambda: self._wake(function, event, retries[1:]))

        if not self.functions.invoke(function, event, done):
            self.hub.later(1.0, lambda: self._wake(function, event, retries))

    def text(self, sender: str, body: str) -> None:
        """A text message to our number: SNS brings it, at least once; Twilio once."""
        if twilio.NAME in self.parameters:
            sid = f"SM{self.hub.chance.randrange(16**32):032x}"
            request = twilio.text(sid, sender, body)
            self.hub.spawn(lambda: self.request("POST", "/twilio/texts", *request))
            return
        message = {
            "inboundMessageId": f"text-{self.hub.chance.randrange(10**9)}",
            "originationNumber": sender,
            "destinationNumber": OURS,
            "messageBody": body,
        }
        event = {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": json.dumps(message)}}]}
        twice = self.hub.chance.random() < self.weather.doubled_message
        for _ in range(2 if twice else 1):
            seconds = self.hub.chance.uniform(0.1, 1.0)
            wake = partial(self._wake, "RespondFunction", event, ASYNCHRONOUS_RETRIES)
            self.hub.later(seconds, wake)

    # HTTP.

    def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: str | Mapping[str, Any] = "",
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        """As API Gateway answers it, in the time that it takes."""
        function = template.route(method, path)
        event = {
            "version": "2.0",
            "rawPath": path,
            "queryStringParameters": dict(query or {}),
            "headers": {"content-type": "application/json", **(headers or {})},
            "requestContext": {
                "requestId": f"gateway-{self.hub.chance.randrange(10**9)}",
                "http": {"method": method, "path": path},
            },
            "body": body if isinstance(body, str) else json.dumps(body),
            "isBase64Encoded": False,
        }
        self.hub.sleep(self.hub.chance.uniform(0.005, 0.05))
        answered = Future(self.hub)
        if not self.functions.invoke(function, event, answered.settle):
            return Answer(503, {}, '{"message": "Service Unavailable"}')
        future: Future = answered.result()
        if future.exception() is not None:
            return Answer(500, {}, '{"message": "Internal Server Error"}')
        found = future.result()
        self.hub.sleep(self.hub.chance.uniform(0.005, 0.05))
        return Answer(found["statusCode"], found["headers"], found["body"])

    # The command line.

    def opsknight(self, *words: str, stdin: str = "") -> tuple[int, str]:
        """An operator's command: its exit code and what it prints."""
        while any(not each.is_done for each in self._is_busy):
            # Two on one machine would print into each other.
            for each in self._is_busy:
                with suppress(BaseException):
                    each.result()
        self.hub.check()
        process = self.functions.process("opsknight", {}, mortal=False)
        process.argv = ["opsknight", *words]
        process.stdin = io.StringIO(stdin)
        if self.hub.life() is None:
            before, self._outside = self._outside, process
            try:
                return self._command()
            finally:
                self._outside = before
        future = self.hub.spawn(self._command, process)
        self._is_busy = [future]
        found: tuple[int, str] = future.result()
        return found

    def _command(self) -> tuple[int, str]:
        out = io.StringIO()
        try:
            with redirect_stdout(out), redirect_stderr(out):
                self._version(OPERATORS_PROGRAM).program.entry(OPERATORS_PROGRAM)()
        except SystemExit as ended:
            return int(ended.code or 0), out.getvalue()
        return 0, out.getvalue()

    # Clients of processes.

    def client(self, process: Process, service: str, config: Any) -> Any:
        timeout = float(config.read_timeout) if config else 2.0
        match service:
            case "dynamodb":
                return DynamoClient(self.database, process, timeout)
            case "sqs":
                return QueueClient(self.queues, process)
            case "sns":
                return TopicClient(self._publish, process)
            case "s3":
                return BucketClient(self.bucket, process, timeout)
            case "ssm":
                return ParameterClient(self.parameters, process)
            case "pinpoint-sms-voice-v2":
                return Phone(self.receivers, process, timeout)
            case "sesv2":
                return Mail(self.receivers, process, timeout)
            case "cloudformation":
                return SimpleNamespace(describe_stacks=stack)
            case "sts":
                return SimpleNamespace(get_caller_identity=lambda: {"Arn": "arn:aws:iam::1:user/x"})
            case _:
                raise failure("UnknownService", service)

    def connect(self, process: Process, host: str) -> Any:
        if host == template.API_HOST:
            return SimpleNamespace(ask=partial(self._asked, process))
        server = providers.SERVERS.get(host)
        return server(self.receivers, process) if server else Website(self.receivers, process, host)

    def use_twilio(self) -> None:
        """From the beginning text messages and calls go by Twilio."""
        self.parameters |= twilio.parameters()
        self.functions.environment["TWILIO_NAME"] = twilio.NAME

    def _asked(
        self, process: Process, method: str, path: str, body: str, headers: Mapping[str, str]
    ) -> Answer:
        """A function that calls our own API."""
        process.strike()
        named = {name.lower(): value for name, value in headers.items()}
        answer = self.request(method, path, named, body)
        process.strike()
        return answer

    def _published(self, key: str, content: bytes) -> None:
        name, _, document = key.removeprefix("status/").partition("/")
        if document == "status.json":
            states = {each["name"]: each["state"] for each in json.loads(content)["services"]}
            self.journal.published.append(Published(self.hub.now, name, states))
            self.journal.note(self.hub.now, f"the status page {name} says {states}")

    def _publish(self, topic: str, message: str, process: Process) -> Told:
        if topic == "Renders":
            event = {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": message}}]}
            seconds = self.hub.chance.uniform(0.05, 0.5)
            self.hub.later(seconds, partial(self._wake, PAGES.function, event, ()))
            return Told(self.hub.now, message)
        told = Told(self.hub.now, message)
        self.journal.fallback.append(told)
        process.told.append(told)
        self.journal.note(self.hub.now, f"the fallback hears: {message[:80]!r}")
        return told
