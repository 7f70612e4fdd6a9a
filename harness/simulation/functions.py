"""Lambda: processes of functions, how many run at once, how long they may, and how they die."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, Final, Protocol

from harness.simulation import machine, template
from harness.simulation.hub import Future, Hub, Killed, Life
from harness.simulation.journal import Journal
from harness.simulation.weather import Weather

# A process that nobody needed for so long is gone.
KEPT_WARM: Final = 600.0

type Event = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Version:
    """Code, and the functions as the template beside it has them."""

    functions: Mapping[str, template.Function]
    program: machine.Program = field(repr=False)
    name: str = ""
    """As processes of it are called in the story of a night; empty for the present version."""


@dataclass
class Doom:
    """Which moment of a function's processes one of them does not outlive."""

    function: str
    since: float
    """Seconds after the night began: moments before are not counted."""
    number: int = 0
    """Counted from 1; 0 to count them only."""
    seen: int = 0

    def strikes(self, name: str, now: float) -> bool:
        if now < self.since or not name.startswith(f"{self.function}/"):
            return False
        self.seen += 1
        return self.seen == self.number


class Services(Protocol):
    """The services and hosts that a process can reach."""

    doom: Doom | None

    def client(self, process: "Process", service: str, config: Any) -> Any: ...

    def connect(self, process: "Process", host: str) -> Any: ...


@dataclass(eq=False, repr=False)
class Process(Life):
    """One process of a function, or an operator's program; a `Sandbox`."""

    name: str = ""
    hub: Hub = field(kw_only=True)
    weather: Weather = field(kw_only=True)
    journal: Journal = field(kw_only=True)
    services: Services = field(kw_only=True)
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    mortal: bool = True
    skew: timedelta = timedelta()
    memory: dict[object, Any] = field(default_factory=dict[object, Any])
    argv: list[str] = field(default_factory=list[str])
    stdin: io.StringIO = field(default_factory=io.StringIO)
    told: list[Any] = field(default_factory=list[Any])
    """The messages that receivers took from it in this invocation."""
    idle_since: float = 0.0

    def now(self) -> datetime:
        return self.hub.time + self.skew

    def monotonic(self) -> float:
        return self.hub.now

    def sleep(self, seconds: float) -> None:
        self.hub.sleep(seconds)

    def chance(self) -> float:
        return self.hub.chance.random()

    def token(self, size: int) -> str:
        return self.hub.chance.randbytes(size).hex()

    def beside(self, work: Callable[[], Any]) -> Future:
        return self.hub.spawn(work, self)

    def client(self, service: str, config: Any) -> Any:
        return self.services.client(self, service, config)

    def connect(self, host: str) -> Any:
        return self.services.connect(self, host)

    def log(self, level: str, text: str, facts: dict[str, Any]) -> None:
        self.journal.line(self.hub.now, self.name, level, text, facts)

    def strike(self) -> None:
        """A moment at which it may die. Raises Killed."""
        self.hub.check()
        death, doom = self.weather.death, self.services.doom
        by_chance = death and self.hub.chance.random() < death
        if self.mortal and (by_chance or (doom and doom.strikes(self.name, self.hub.now))):
            self.die("dies")
            raise Killed

    def die(self, why: str) -> None:
        self.journal.death(self.hub.now, self.name, why, self.told)
        self.hub.kill(self)


@dataclass(repr=False)
class Lambda:
    hub: Hub
    weather: Weather
    journal: Journal
    services: Services
    version: Callable[[str], Version]
    """The code that a call of a function reaches at this moment."""
    broken: Callable[[str], bool] = lambda _: False
    """Whether no process of a function gets to work: a bad deploy, or a fault of Lambda."""
    environment: dict[str, str] = field(default_factory=dict[str, str])
    """Variables besides those of the template."""
    running: int = 0
    throttled: int = 0
    _idle: dict[tuple[Version, str], list[Process]] = field(
        default_factory=dict[tuple[Version, str], list[Process]]
    )
    _made: int = 0

    def invoke(self, name: str, event: Event, done: Callable[[Future], None]) -> bool:
        """False when the account's concurrency is used up: nothing was started."""
        if self.running >= self.weather.account:
            self.throttled += 1
            return False
        self.running += 1
        version = self.version(name)
        function, idle = version.functions[name], self._idle.setdefault((version, name), [])
        process, is_cold = self._process(function, idle, version)
        process.told = []
        handler = version.program.entry(function.handler)

        def work() -> Any:
            if self.broken(name):
                raise RuntimeError("the function is broken")
            if is_cold:
                self.hub.sleep(self.hub.chance.uniform(*self.weather.cold_start))
            return handler(event, SimpleNamespace(function_name=name, aws_request_id="1"))

        future = self.hub.spawn(work, process)

        def over(_: Future) -> None:
            self.running -= 1
            if not process.ended:
                process.idle_since = self.hub.now
                idle.append(process)
            error = future.exception()
            if error is not None and not isinstance(error, Killed):
                self.journal.line(self.hub.now, process.name, "error", repr(error)[:300], {})
            done(future)

        def out_of_time() -> None:
            if not future.is_done:
                process.die("is out of time")

        future.add_done_callback(over)
        self.hub.later(function.timeout, out_of_time)
        return True

    def _process(
        self, function: template.Function, idle: list[Process], version: Version
    ) -> tuple[Process, bool]:
        while idle:
            process = idle.pop()
            if self.hub.now - process.idle_since < KEPT_WARM:
                return process, False
        self._made += 1
        name = f"{version.name}{function.name}/{self._made}"
        return self.process(name, {**function.environment, **self.environment}), True

    def process(self, name: str, environment: Mapping[str, str], *, mortal: bool = True) -> Process:
        skew = self.weather.skew
        return Process(
            name=name,
            hub=self.hub,
            weather=self.weather,
            journal=self.journal,
            services=self.services,
            environment=environment,
            mortal=mortal,
            skew=timedelta(seconds=self.hub.chance.uniform(-skew, skew) if skew else 0.0),
        )
