"""Who is paged, how and by what: what operators apply (`file`), and what the judge goes by.

A service's integration has the service's own name, and its policy and team are called as written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

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
    mirror: str = ""
    """Host of another system that gets each of its events."""
    remind: Mapping[str, int] = field(default_factory=dict[str, int])
    """Minutes between reminders of the fallback, by urgency; 0 for never."""


@dataclass(frozen=True)
class Report:
    """A daily report to a webhook."""

    name: str
    at: int
    """Minutes after the night began."""
    host: str


@dataclass(frozen=True)
class Page:
    """A status page that everybody may read."""

    name: str
    services: tuple[str, ...]
    after: int
    """Minutes that an incident lasts until the page posts it by itself."""


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
    reports: tuple[Report, ...] = ()
    pages: tuple[Page, ...] = ()
    admin: str = ""
    """Somebody who is never paged: configures by the HTTP API, and reads the audit log."""
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

    @property
    def listening(self) -> list[str]:
        """Hosts of others: systems that are mirrored to, and those that get reports."""
        mirrors = [each.mirror for each in self.services if each.mirror]
        return [*mirrors, *(each.host for each in self.reports)]

    def policy_of(self, service: Service) -> Policy:
        """Without one all of the team is paged at once, and nobody after them."""
        for policy in self.policies:
            if policy.name == service.policy:
                return policy
        everybody = tuple(each.name for each in self.people)
        return Policy("", (Step(everybody),))


def phone(name: str, number: int) -> Method:
    return Method(name, "sms", f"+49151{12345600 + number}")


def mail(name: str, person: str) -> Method:
    return Method(name, "email", f"{person}@example.com")


def hook(name: str, host: str) -> Method:
    """A program of the person's own: it is never paced."""
    return Method(name, "webhook", f"https://{host}/page")


def alarm(name: str, user: str) -> Method:
    """Pushover, which rings until somebody answers it or it is called off."""
    return Method(name, "pushover", user)


def chat(name: str, number: int) -> Method:
    """Telegram, whose messages can be edited."""
    return Method(name, "telegram", f"-100{number}")


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
