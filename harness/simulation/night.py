"""A night by its seed: the team, the weather, what breaks, and what people do about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

from harness.simulation import rosters
from harness.simulation.configuration import Configuration
from harness.simulation.deployment import Deployment
from harness.simulation.journal import Heard, Journal
from harness.simulation.judge import CALM_PATIENCE, ROUGH_PATIENCE, Judge, Verdict
from harness.simulation.machine import ROOT
from harness.simulation.outside import Outside
from harness.simulation.weather import CALM, ROUGH, Mood, Outage, Weather

MINUTE: Final = 60.0
# Long enough for each policy to run out, and for the patience of the judge after it.
LENGTH: Final = 42 * MINUTE


@dataclass(repr=False)
class Night:
    """Everything of one night; `run` lets it happen."""

    seed: int | str
    weather: Weather
    configuration: Configuration
    length: float = LENGTH
    outages: list[Outage] = field(default_factory=list[Outage])
    root: Path = ROOT
    deployment: Deployment = field(init=False)
    outside: Outside = field(init=False)

    def __post_init__(self) -> None:
        self.deployment = Deployment(self.seed, self.weather, outages=self.outages, root=self.root)
        self.outside = Outside(self.deployment, self.configuration)
        self.outside.set_up()

    @property
    def journal(self) -> Journal:
        return self.deployment.journal

    def run(self) -> Verdict:
        self.deployment.begin()
        self.deployment.run(self.length)
        is_calm = self.weather.death == 0 and self.weather.lost_message == 0
        patience = CALM_PATIENCE if is_calm else ROUGH_PATIENCE
        judge = Judge(self.configuration, patience, self.outages, self.length)
        return judge.judge(self.journal)


def night(seed: int, *, everything: bool = False, root: Path = ROOT) -> Night:
    """The night of a seed. `everything`: with what today's code is known to do wrong. `root`: of
    the tree whose code runs.
    """
    chance = Random(f"night {seed}")
    configuration = rosters.choose(chance)
    weather = CALM if seed % 4 == 0 else ROUGH
    made = Night(seed, weather, configuration, root=root)
    if chance.random() < 0.3:
        made.outages.append(_outage(chance, configuration, everything=everything))
    # What waits for the same person is bundled: today's code does that wrong (item 1 of issue 12).
    is_alone = not everything and configuration is not rosters.MACHINES
    at = chance.uniform(20, 60)
    for number in range(1, (2 if is_alone else chance.randint(2, 5)) + 1):
        service = chance.choice(configuration.services).name
        _incident(made, chance, number, service, at, everything=everything)
        if is_alone:
            # It is over before the next one begins.
            done = at + 19 * MINUTE
            title = f"case-{number:04}"
            recovery = partial(made.outside.event, "resolve", service, f"key-{number}", title)
            made.outside.at(done, recovery)
            at = done + chance.uniform(60, 90)
        else:
            at += chance.uniform(2, 120)
    return made


def _outage(chance: Random, configuration: Configuration, *, everything: bool) -> Outage:
    person = chance.choice(configuration.people)
    method = chance.choice(person.methods)
    moods = [Mood.HANGS, Mood.FAILS, Mood.SILENT]
    mood = chance.choice([*moods, Mood.REFUSES] if everything else moods)
    since = chance.uniform(0, 10 * MINUTE)
    length = chance.uniform(30, 20 * MINUTE if everything else 90)
    return Outage(method.address, mood, since, since + length)


def _incident(
    made: Night, chance: Random, number: int, service: str, at: float, *, everything: bool
) -> None:
    outside, key = made.outside, f"key-{number}"
    title = f"case-{number:04} {chance.choice(('disk full', 'no answer', 'queue too long'))}"
    severity = chance.choice(("critical", "error", "info"))
    trigger = partial(outside.event, "trigger", service, key, title, severity)
    outside.at(at, trigger)
    for copy in range(chance.choice((0, 0, 0, 1, 3))):
        # Monitors say the same thing again, some at the same instant.
        later = chance.choice((5.0, 20.0, 90.0))
        again = f"case-{number:03}{copy + 5} again"
        outside.at(at + later, partial(outside.event, "trigger", service, key, again, severity))
    fates: list[tuple[Callable[..., None], int]] = [
        (_nobody, 3),
        (_acknowledged, 4),
        (_recovers, 2),
        (_snoozed, 2),
        (_noted, 1),
    ]
    if everything:
        fates.append((_reassigned, 2))
    [fate] = chance.choices([each for each, _ in fates], [weight for _, weight in fates])
    when = at + chance.choice((2.0, 30.0, 100.0, 200.0, 400.0)) + chance.uniform(0, 20)
    fate(made, chance, when, title, service, key)


def _nobody(*_: object) -> None:
    pass


def _acknowledged(
    made: Night, chance: Random, when: float, title: str, service: str, key: str
) -> None:
    """Several at the same instant, each in another way; and then it is resolved, or not."""
    for way in chance.sample(("link", "button", "api", "event"), chance.randint(1, 4)):
        _acknowledge(made, chance, when, title, service, key, way)
    if chance.random() < 0.5:
        done = when + chance.uniform(20, 600)
        made.outside.at(done, partial(made.outside.event, "resolve", service, key, title))


def _acknowledge(
    made: Night, chance: Random, when: float, title: str, service: str, key: str, way: str
) -> None:
    outside, who = made.outside, chance.choice(made.configuration.people).name
    match way:
        case "link":
            outside.at(when, partial(_press, made, title))
        case "button":
            outside.at(when, partial(outside.by_button, who, title, "acknowledge"))
        case "api":
            outside.at(when, partial(outside.by_api, who, title, "acknowledge"))
        case _:
            outside.at(when, partial(outside.event, "acknowledge", service, key, title))


def _press(made: Night, title: str) -> None:
    """Whoever has a message about it follows its link; if nobody has, nobody does."""
    name = title.partition(" ")[0]
    had: list[Heard] = [each for each in made.journal.heard if each.links and name in each.text]
    if had:
        made.outside.by_link(had[-1].to, had[-1].links[0], "acknowledge", title)


def _recovers(made: Night, _: Random, when: float, title: str, service: str, key: str) -> None:
    made.outside.at(when, partial(made.outside.event, "resolve", service, key, title))


def _api(
    made: Night, chance: Random, when: float, title: str, action: str, body: Mapping[str, Any]
) -> None:
    who = chance.choice(made.configuration.people).name
    made.outside.at(when, partial(made.outside.by_api, who, title, action, body))


def _snoozed(made: Night, chance: Random, when: float, title: str, *_: object) -> None:
    _api(made, chance, when, title, "snooze", {"minutes": chance.randint(2, 8)})


def _noted(made: Night, chance: Random, when: float, title: str, *_: object) -> None:
    _api(made, chance, when, title, "notes", {"text": "Looking into it."})


def _reassigned(made: Night, chance: Random, when: float, title: str, *_: object) -> None:
    who = chance.choice(made.configuration.people).name
    _api(made, chance, when, title, "reassign", {"userId": f"user_{who}"})
