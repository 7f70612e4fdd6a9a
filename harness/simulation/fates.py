"""The fates of incidents in a night by chance: who does something about them, and when."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import inf
from random import Random
from typing import Any

from harness.simulation.configuration import Service
from harness.simulation.entitlement import turns
from harness.simulation.outside import Outside


@dataclass(frozen=True)
class Incident:
    """One that a monitor will open."""

    outside: Outside
    chance: Random
    number: int
    service: Service
    at: float
    monitor: str = ""
    """The service whose monitor tells of it."""
    source: str = "simulation"

    @property
    def key(self) -> str:
        return f"key-{self.number}"

    @property
    def name(self) -> str:
        return f"case-{self.number:04}"

    @property
    def title(self) -> str:
        return f"{self.name} no answer"

    def event(self, action: str, at: float) -> None:
        """Monitors do not always repeat what their routes look at."""
        source = self.source if self.chance.random() < 0.5 else "simulation"
        work = partial(
            self.outside.event, action, self.monitor, self.key, self.title, source=source
        )
        self.outside.at(at, work)

    def somebody(self) -> str:
        return self.chance.choice(self.outside.configuration.people).name

    def api(self, action: str, at: float, body: Mapping[str, Any] | None = None) -> None:
        who = self.somebody()
        self.outside.at(at, partial(self.outside.by_api, who, self.title, action, body))

    def moment(self) -> float:
        """When somebody does something: at any time, or just when a step is due."""
        policy = self.outside.configuration.policy_of(self.service)
        steps = [turn.offset for turn in turns(policy)]
        if self.chance.random() < 0.5:
            return self.at + self.chance.choice(steps) + self.chance.uniform(-0.5, 4)
        return self.at + self.chance.choice((2.0, 30.0, 100.0, 400.0)) + self.chance.uniform(0, 20)


type Fate = Callable[[Incident], None]


def begin(incident: Incident) -> None:
    """A monitor triggers it, and perhaps again, at the same instant or later."""
    chance, outside = incident.chance, incident.outside
    severity = chance.choice(("critical", "error", "info"))
    event = partial(outside.event, "trigger", incident.monitor, incident.key)
    event = partial(event, severity=severity, source=incident.source)
    outside.at(incident.at, partial(event, incident.title))
    for copy in range(chance.choice((0, 0, 0, 1, 3))):
        later = incident.at + chance.choice((0.0, 5.0, 20.0, 90.0))
        again = f"case-{incident.number:03}{copy + 5} again"
        outside.at(later, partial(event, again))


def nobody(_: Incident) -> None:
    """Nobody does anything."""


def acknowledged(incident: Incident) -> None:
    """Several at the same instant, each in another way; and then it is resolved, or not."""
    when = incident.moment()
    ways = ("link", "button", "api", "event", "text")
    for way in incident.chance.sample(ways, incident.chance.randint(1, 4)):
        _acknowledge(incident, when, way)
    if incident.chance.random() < 0.5:
        incident.event("resolve", when + incident.chance.uniform(20, 600))


def _acknowledge(incident: Incident, when: float, way: str) -> None:
    outside, who = incident.outside, incident.somebody()
    acknowledge = partial(outside.by_button, who, incident.title, "acknowledge")
    match way:
        case "link":
            outside.at(when, partial(_press, incident))
        case "text":
            outside.at(when, partial(_reply, incident))
        case "button":
            outside.at(when, lambda: acknowledge() if _is_known(incident) else None)
        case "api":
            outside.at(when, partial(outside.by_api, who, incident.title, "acknowledge"))
        case _:
            incident.event("acknowledge", when)


def _is_known(incident: Incident) -> bool:
    """Whether Slack has a message about it, with buttons."""
    return incident.title in incident.outside.incidents


def _press(incident: Incident) -> None:
    """Somebody who has a message about it follows the link; without a message nobody does."""
    heard = incident.outside.deployment.journal.heard
    had = [each for each in heard if each.links and incident.name in each.text]
    if had:
        last = had[-1]
        press = incident.outside.by_list if last.is_about_several else incident.outside.by_link
        press(last.to, last.links[0], "acknowledge", incident.title)


def _reply(incident: Incident) -> None:
    """Whoever has a text message about it replies with its code. Older versions take no replies."""
    outside = incident.outside
    if outside.deployment.upgrade is None:
        for person in outside.configuration.people:
            for method in person.methods:
                if method.channel == "sms" and outside.by_text(
                    person.name, method.address, incident.title
                ):
                    return


def recovers(incident: Incident) -> None:
    incident.event("resolve", incident.moment())


def snoozed(incident: Incident) -> None:
    minutes = incident.chance.randint(2, 8)
    incident.api("snooze", incident.moment(), {"minutes": minutes})


def noted(incident: Incident) -> None:
    incident.api("notes", incident.moment(), {"text": "Looking into it."})


def escalated(incident: Incident) -> None:
    incident.api("escalate", incident.moment())


def handed_over(incident: Incident) -> None:
    """Acknowledged, and then given to somebody else, who hears of it once."""
    outside, when, who = incident.outside, incident.moment(), incident.somebody()
    body = {"userId": f"user_{incident.somebody()}"}
    later, by = incident.chance.uniform(60, 120), incident.somebody()

    def hand_over() -> None:
        if outside.by_api(who, incident.title, "acknowledge").status == 200:
            outside.deployment.hub.sleep(later)
            outside.by_api(by, incident.title, "reassign", body)

    outside.at(when, hand_over)


def in_a_window(incident: Incident) -> None:
    """An operator opened a maintenance window before, and perhaps ends it early."""
    outside, service = incident.outside, incident.service.name
    minutes = incident.chance.choice((2, 4, 6))
    window = ("maintenance", "start", service, "--for", f"{minutes}m", "--reason", "An upgrade")
    outside.at(incident.at - 45, partial(outside.operate, *window))
    if incident.chance.random() < 0.3:
        outside.at(incident.at + incident.chance.uniform(20, 60), partial(cut, outside, service))


def cut(outside: Outside, service: str) -> None:
    """By the command that opening it printed."""
    for _, line in reversed(outside.deployment.journal.lines):
        found = line.partition(f"maintenance stop {service} ")[2].split()
        if line.startswith("operator: maintenance start") and found:
            outside.operate("maintenance", "stop", service, found[0])
            return


def reassigned(incident: Incident) -> None:
    """While it is open: the policy is over, and only one person is asked."""
    body = {"userId": f"user_{incident.somebody()}"}
    incident.api("reassign", incident.moment(), body)


USUAL: tuple[tuple[Fate, int], ...] = (
    (nobody, 3),
    (acknowledged, 5),
    (recovers, 2),
    (snoozed, 2),
    (noted, 1),
    (escalated, 1),
    (handed_over, 1),
    (in_a_window, 1),
    (reassigned, 2),
)


def choose(chance: Random) -> Fate:
    [fate] = chance.choices([each for each, _ in USUAL], [weight for _, weight in USUAL])
    return fate


def beat(outside: Outside, chance: Random, length: float) -> None:
    """Each heartbeat of the team beats, now and then late; the first falls silent for a while, or
    for good.
    """
    pulses = [each.pulse for each in outside.configuration.services if each.pulse]
    for number, pulse in enumerate(pulses):
        silent_from, silent_for = inf, 0.0
        if not number:
            silent_from = chance.uniform(100, 600)
            silent_for = chance.choice((chance.uniform(60, 300), chance.uniform(300, 900), inf))
        at = chance.uniform(5, 60)
        while at < length:
            if not silent_from <= at < silent_from + silent_for:
                late = chance.uniform(0, pulse.grace * 50) if chance.random() < 0.1 else 0.0
                outside.at(at + late, partial(outside.beat, pulse.name))
            at += pulse.every * 60
