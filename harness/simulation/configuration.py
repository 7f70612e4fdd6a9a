"""Who is paged, how and by what, in the words of a configuration file: what operators apply, and
what the judge goes by.

A service's integration has the service's own name, and its policy and team are called as written.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from harness.simulation.hub import START

URGENCIES: Final = {"critical": "HIGH", "error": "MEDIUM", "warning": "MEDIUM", "info": "LOW"}


@dataclass(frozen=True)
class Method:
    name: str
    channel: str
    to: str

    @property
    def address(self) -> str:
        """As a receiver knows it: of a URL the host."""
        return self.to.partition("://")[2].partition("/")[0] or self.to


@dataclass(frozen=True)
class Rule:
    method: str
    after: int = 0
    """Minutes after the page."""


@dataclass(frozen=True)
class Person:
    name: str
    methods: tuple[Method, ...]
    rules: Mapping[str, tuple[Rule, ...]]
    """By urgency."""
    quiet_until: int | None = None
    """Minutes after the night began: what is LOW waits for the end of their quiet hours."""

    def method(self, name: str) -> Method:
        return next(each for each in self.methods if each.name == name)


@dataclass(frozen=True)
class Step:
    people: tuple[str, ...]
    after: int = 0
    """Minutes."""
    rota: str = ""
    """Instead of people: whoever has it then. Nights that are judged have none."""


@dataclass(frozen=True)
class Policy:
    name: str
    steps: tuple[Step, ...]
    repeat: int = 0
    repeat_after: int = 5
    """Minutes."""


@dataclass(frozen=True)
class Pulse:
    """A heartbeat of a service, by an integration of its own. Its incident has its name."""

    name: str
    every: int = 1
    """Minutes."""
    grace: int = 1


@dataclass(frozen=True)
class Service:
    name: str
    policy: str | None
    acknowledgement_timeout: int | None = None
    """Minutes."""
    hooks: tuple[str, ...] = ()
    """Hosts of webhooks that hear of its incidents."""
    supported_from: int | None = None
    """Minutes after the night began: before its support hours what is MEDIUM is LOW."""
    page_after: int | None = None
    """Minutes that paging waits for what its own integration opens, unless it is HIGH."""
    routes: Mapping[str, str] = field(default_factory=dict[str, str])
    """The service that gets the events of its integration, by their source."""
    pulse: Pulse | None = None


@dataclass(frozen=True)
class Rota:
    """Turns of a day each; the first of its people has the one that ends in this night."""

    name: str
    people: tuple[str, ...]
    handoff: int
    """Minutes after the night began."""
    host: str
    """Of the webhook that hears who has it."""


@dataclass(frozen=True)
class Configuration:
    people: tuple[Person, ...]
    policies: tuple[Policy, ...]
    services: tuple[Service, ...]
    rotas: tuple[Rota, ...] = ()
    team: str = field(default="ops")

    def person(self, name: str) -> Person:
        return next(each for each in self.people if each.name == name)

    def service(self, name: str) -> Service:
        return next(each for each in self.services if each.name == name)

    def goal(self, monitor: str, source: str) -> Service:
        """The service that an event of this monitor is about."""
        return self.service(self.service(monitor).routes.get(source, monitor))

    def ways(self, service: Service) -> list[tuple[str, str]]:
        """The monitors whose events come to the service, and by which source."""
        routed = [
            (each.name, source)
            for each in self.services
            for source, name in each.routes.items()
            if name == service.name
        ]
        return [(service.name, "simulation"), *routed]

    def policy_of(self, service: Service) -> Policy:
        """Without one all of the team is paged at once, and nobody after them."""
        for policy in self.policies:
            if policy.name == service.policy:
                return policy
        everybody = tuple(each.name for each in self.people)
        return Policy("", (Step(everybody),))

    def text(self) -> str:
        """The file. JSON is YAML."""
        document: dict[str, Any] = {
            "users": {each.name: _person(each) for each in self.people},
            "teams": {self.team: {"members": {each.name: {} for each in self.people}}},
            "schedules": {each.name: _rota(each) for each in self.rotas},
            "policies": {each.name: _policy(each) for each in self.policies},
            "services": {each.name: self._service(each) for each in self.services},
        }
        return json.dumps({name: each for name, each in document.items() if each})

    def _service(self, service: Service) -> dict[str, Any]:
        shape: dict[str, Any] = {
            "team": self.team,
            "integrations": {service.name: _integration(service)} | _pulse(service),
            "receivers": {
                f"hook-{number}": {"channel": "webhook", "to": f"https://{host}/"}
                for number, host in enumerate(service.hooks)
            },
        }
        if service.policy is not None:
            shape["policy"] = service.policy
        if service.acknowledgement_timeout is not None:
            shape["acknowledgement_timeout"] = f"{service.acknowledgement_timeout}m"
        if service.supported_from is not None:
            hours = {"start": _wall(service.supported_from), "end": _wall(BEFORE_THE_NIGHT)}
            shape["support_hours"] = {"zone": "UTC", "times": [hours]}
        return shape


def _integration(service: Service) -> dict[str, Any] | str:
    if service.page_after is None and not service.routes:
        # As older versions know it.
        return f"Monitor of {service.name}"
    shape: dict[str, Any] = {"name": f"Monitor of {service.name}"}
    if service.page_after is not None:
        shape["page_after"] = {"time": f"{service.page_after}m"}
    if service.routes:
        shape["routes"] = [
            {"when": f"payload.source == '{source}'", "service": name}
            for source, name in service.routes.items()
        ]
    return shape


def _pulse(service: Service) -> dict[str, Any]:
    pulse = service.pulse
    if pulse is None:
        return {}
    beats = {"every": f"{pulse.every}m", "grace": f"{pulse.grace}m"}
    return {pulse.name: {"name": pulse.name, "heartbeat": beats}}


# Minutes: hours that end before the night begins.
BEFORE_THE_NIGHT: Final = -60


def _wall(minutes: int) -> str:
    """The time of the day, so many minutes after the night began."""
    return f"{START + timedelta(minutes=minutes):%H:%M}"


def _person(person: Person) -> dict[str, Any]:
    hours = {}
    if person.quiet_until is not None:
        times = [{"start": _wall(BEFORE_THE_NIGHT), "end": _wall(person.quiet_until)}]
        hours = {"quiet_hours": {"zone": "UTC", "times": times}}
    return hours | {
        "email": f"{person.name}@example.com",
        "role": "RESPONDER",
        "contact_methods": {
            each.name: {"channel": each.channel, "to": each.to} for each in person.methods
        },
        "rules": {
            urgency: [
                {"method": rule.method, **({"after": f"{rule.after}m"} if rule.after else {})}
                for rule in rules
            ]
            for urgency, rules in person.rules.items()
        },
    }


def _rota(rota: Rota) -> dict[str, Any]:
    layer = {
        "users": list(rota.people),
        "turn": "1d",
        "handoff": _wall(rota.handoff),
        "start": f"{START - timedelta(days=1):%Y-%m-%d}",
    }
    channel = {"channel": "webhook", "to": f"https://{rota.host}/"}
    return {"zone": "UTC", "layers": {"days": layer}, "channel": channel}


def _policy(policy: Policy) -> dict[str, Any]:
    return {
        "steps": [
            {
                "targets": [{"schedule": step.rota}]
                if step.rota
                else [{"user": name} for name in step.people],
                **({"after": f"{step.after}m"} if step.after else {}),
            }
            for step in policy.steps
        ],
        "repeat": policy.repeat,
        "repeat_after": f"{policy.repeat_after}m",
    }


def phone(name: str, number: int) -> Method:
    return Method(name, "sms", f"+49151{12345600 + number}")


def mail(name: str, person: str) -> Method:
    return Method(name, "email", f"{person}@example.com")


def hook(name: str, host: str) -> Method:
    """A program of the person's own: it is never paced."""
    return Method(name, "webhook", f"https://{host}/page")


def always(*rules: Rule) -> Mapping[str, tuple[Rule, ...]]:
    """The same for each urgency."""
    return dict.fromkeys(("HIGH", "MEDIUM", "LOW"), rules)


def with_more(configuration: Configuration) -> Configuration:
    """The same, and a service with a policy that nobody uses."""
    spare = Policy("spare", (Step((configuration.people[0].name,)),))
    return replace(
        configuration,
        policies=(*configuration.policies, spare),
        services=(*configuration.services, Service("spare", "spare")),
    )
