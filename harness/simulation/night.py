"""A night by its seed: the team, the weather, what breaks, and what people do about it."""

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

from harness.simulation import fates, rosters, template
from harness.simulation import upgrade as upgrades
from harness.simulation.configuration import Configuration, with_more
from harness.simulation.deployment import Deployment
from harness.simulation.fates import Incident
from harness.simulation.file import written
from harness.simulation.journal import Journal
from harness.simulation.judge import Judge
from harness.simulation.machine import ROOT
from harness.simulation.operators import ADMIN, Operators
from harness.simulation.outside import Outside
from harness.simulation.upgrade import Upgrade
from harness.simulation.verdict import CALM_PATIENCE, ROUGH_PATIENCE, Verdict
from harness.simulation.weather import CALM, ROUGH, Mood, Outage, Weather

MINUTE: Final = 60.0
# Long enough for each policy to run out, and for the patience of the judge after it.
LENGTH: Final = 42 * MINUTE
# Of nights, those in which DynamoDB refuses a write of one kind.
REFUSES: Final = 0.7
# In which the audit log is read.
MORNING: Final = 40.0


@dataclass(repr=False)
class Night:
    """Everything of one night; `run` lets it happen."""

    seed: int | str
    weather: Weather
    configuration: Configuration
    length: float = LENGTH
    outages: list[Outage] = field(default_factory=list[Outage])
    root: Path = ROOT
    upgrade: Upgrade | None = None
    deployment: Deployment = field(init=False)
    outside: Outside = field(init=False)

    def __post_init__(self) -> None:
        self.deployment = Deployment(
            self.seed,
            self.weather,
            outages=self.outages,
            root=self.root,
            upgrade=self.upgrade,
            publishes=bool(self.configuration.pages),
        )
        self.outside = Outside(self.deployment, self.configuration)
        self.outside.set_up(self.upgrade.older if self.upgrade else self.root)

    @property
    def journal(self) -> Journal:
        return self.deployment.journal

    def run(self) -> Verdict:
        self.deployment.begin()
        self.deployment.run(self.length)
        if self.configuration.admin:
            self.outside.at_once(Operators(self.outside).read_log)
            self.deployment.run(MORNING)
        is_calm = self.weather.death == 0 and self.weather.lost_message == 0
        patience = CALM_PATIENCE if is_calm else ROUGH_PATIENCE
        # The older version kept no pace between messages about several services.
        paced = self.upgrade is None
        judge = Judge(self.configuration, patience, self.outages, self.length, paced=paced)
        return judge.judge(self.journal)


def night(seed: int, *, root: Path = ROOT, older: Path | None = None) -> Night:
    """The night of a seed. `root`: of the tree whose code runs; `older`: of one that is upgraded to
    it in the night.
    """
    chance = Random(f"night {seed}")
    configuration = rosters.choose(chance, rosters.ALL if older is None else rosters.OLDER)
    if older is None:
        configuration = replace(configuration, admin=ADMIN)
    weather = conflicting(CALM if seed % 4 == 0 else ROUGH, seed)
    if chance.random() < 0.15:
        # The concurrency of a new AWS account.
        weather = replace(weather, account=10)
    upgrade = None
    if older is not None:
        upgrade = upgrades.choose(Random(f"upgrade {seed}"), older, template.functions())
    made = Night(seed, weather, configuration, root=root, upgrade=upgrade)
    if chance.random() < 0.3:
        made.outages.append(_outage(chance, configuration))
    if configuration.listening and chance.random() < 0.6:
        made.outages.append(_away(chance, chance.choice(configuration.listening)))
    at = chance.uniform(50, 90)
    # A few that come one after the other, or more of them in a minute.
    count, gaps = (chance.randint(2, 5), (2, 120)) if chance.random() < 0.8 else (12, (0, 5))
    for number in range(1, count + 1):
        service = chance.choice([each for each in configuration.services if not each.pulse])
        way = chance.choice(configuration.ways(service))
        incident = Incident(made.outside, chance, number, service, at, *way)
        fates.begin(incident)
        fates.choose(chance)(incident)
        at += chance.uniform(*gaps)
    fates.beat(made.outside, chance, made.length)
    if chance.random() < 0.2:
        made.outside.at(chance.uniform(0, 20 * MINUTE), partial(_tidies, made))
    if older is None:
        _operate(made, chance)
    return made


def conflicting(weather: Weather, seed: int) -> Weather:
    """Nobody has measured which writes DynamoDB refuses while a transaction is under way: in some
    nights it is one kind, the other, or neither.
    """
    chance = Random(f"conflicts {seed}")
    return replace(
        weather,
        refuses_plain_writes=chance.random() < REFUSES,
        refuses_old_stamps=chance.random() < REFUSES,
    )


def _operate(made: Night, chance: Random) -> None:
    """By the HTTP API, while others apply by the command line perhaps."""
    operators = Operators(made.outside)
    if chance.random() < 0.3:
        made.outside.at(chance.uniform(30, 12 * MINUTE), operators.change)
    for _ in range(chance.choice((0, 1, 1, 3))):
        who = chance.choice(made.configuration.people).name
        service = chance.choice(made.configuration.services).name
        once, ends = chance.random() < 0.5, chance.random() < 0.5
        plan = partial(operators.plan_maintenance, who, service, once=once, ends=ends)
        made.outside.at(chance.uniform(30, 30 * MINUTE), plan)


def _tidies(made: Night) -> None:
    """An operator adds what nobody uses, and takes it away again."""
    apply, text = made.outside.operate, written(made.configuration)
    apply("apply", "-", "--yes", stdin=written(with_more(made.configuration)))
    made.deployment.hub.sleep(30)
    apply("apply", "-", "--yes", "--prune", "--force", stdin=text)


def _outage(chance: Random, configuration: Configuration) -> Outage:
    person = chance.choice(configuration.people)
    return _away(chance, chance.choice(person.methods).address)


def _away(chance: Random, to: str) -> Outage:
    mood = chance.choice((Mood.HANGS, Mood.FAILS, Mood.FLAKY, Mood.SILENT, Mood.REFUSES))
    since = chance.uniform(0, 10 * MINUTE)
    length = chance.choice((chance.uniform(30, 90), chance.uniform(30, 20 * MINUTE)))
    return Outage(to, mood, since, since + length)
