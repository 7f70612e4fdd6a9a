"""A rehearsal: what happens to an incident if nobody does anything. Takes the decisions of the API,
the engine and the planner, with an incident in memory and a clock that jumps to the next due time.

Pure. Assumes that providers take every message, and that the directory stays as it is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import field, replace
from datetime import datetime, timedelta
from typing import Final

from opsknight.classes import dataclass
from opsknight.directory.entries import Service, Team, User
from opsknight.directory.receivers import ServiceReceiver
from opsknight.directory.status_pages import StatusPage
from opsknight.escalation.pages import Page, StepTaken, Taken
from opsknight.escalation.policy import Policy, Rota, Target, reach
from opsknight.escalation.steps import Advanced, Progress, pages_on, settled
from opsknight.escalation.timers import (
    asked,
    decided,
    due,
    next_due,
    policy_of,
    remind_every,
)
from opsknight.incident.changes import Changes, announced, applied
from opsknight.incident.decisions import Transitioned
from opsknight.incident.model import Escalation, Incident, Timer
from opsknight.incident.timeline import Change
from opsknight.notification.delivery import Delivery
from opsknight.notification.notices import change_deliveries, notices_due
from opsknight.notification.recipients import page_deliveries

# A gap of a day in a schedule is hundreds of steps that reach nobody, and a window of a month is
# thousands of looks at it. A rehearsal that has no end by then is cut off.
MOST_TURNS: Final = 50_000


@dataclass(frozen=True, slots=True)
class Roster:
    """A directory in memory (`opsknight.escalation.timers.Directory`), with the receivers of
    services and status pages.
    """

    services: Mapping[str, Service] = field(default_factory=dict[str, Service])
    policies: Mapping[str, Policy] = field(default_factory=dict[str, Policy])
    """The versions by which new escalations begin, by policy id."""
    versions: Mapping[tuple[str, int], Policy] = field(
        default_factory=dict[tuple[str, int], Policy]
    )
    """Older versions, by policy id and version."""
    known_teams: Mapping[str, Team] = field(default_factory=dict[str, Team])
    known_rotas: Mapping[str, Rota] = field(default_factory=dict[str, Rota])
    known_users: Mapping[str, User] = field(default_factory=dict[str, User])
    receivers: Sequence[ServiceReceiver] = ()
    status_pages: Sequence[StatusPage] = ()

    def service(self, service_id: str) -> Service | None:
        return self.services.get(service_id)

    def policy(self, policy_id: str, version: int | None) -> Policy | None:
        current = self.policies.get(policy_id)
        if version is None or (current is not None and current.version == version):
            return current
        return self.versions.get((policy_id, version))

    def teams(self, team_ids: Set[str]) -> Mapping[str, Team]:
        return _those(self.known_teams, team_ids)

    def rotas(self, schedule_ids: Set[str]) -> Mapping[str, Rota]:
        return _those(self.known_rotas, schedule_ids)

    def users(self, user_ids: Set[str]) -> Mapping[str, User]:
        return _those(self.known_users, user_ids)

    first_messages: dict[int, Taken] = field(default_factory=dict[int, Taken])
    """When the first message of each page number leaves, as the simulation goes on."""

    def taken_at(self, incident: Incident, since: int, now: datetime) -> Taken | None:
        """Providers take every message, once nobody's quiet hours hold it; a round without any is
        not asked about.
        """
        found = [each for page_no, each in self.first_messages.items() if page_no >= since]
        return min(found, key=lambda each: each.at, default=Taken(now))


@dataclass(frozen=True, slots=True)
class Stepped:
    """The escalation takes a step."""

    at: datetime
    taken: StepTaken
    because: Mapping[str, Target]
    """Which target reaches each of its users."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A message leaves."""

    at: datetime
    delivery: Delivery


@dataclass(frozen=True, slots=True)
class FallbackTold:
    at: datetime
    again: timedelta | None = None
    """It is reminded from here on so often, until somebody acts. Later reminders are left out."""


@dataclass(frozen=True, slots=True)
class Changed:
    """The incident changes by itself."""

    at: datetime
    change: Change


type Happening = Stepped | Sent | FallbackTold | Changed


@dataclass(frozen=True, slots=True)
class Simulation:
    incident: Incident
    """The incident in the end."""
    policy: Policy
    """The policy by which it escalates; the implicit one has version 0."""
    happenings: tuple[Happening, ...]
    """In the order of time."""
    is_over: bool
    """Whether nothing more happens by itself, except that the fallback address is reminded."""


def simulate(
    incident: Incident,
    roster: Roster,
    now: datetime,
    change: Change | None = None,
    most_turns: int = MOST_TURNS,
) -> Simulation:
    """Plays an incident that has just been opened, or changed by an event, from `now` on."""
    roster = replace(roster, first_messages={})
    run = _Run(roster, incident, now, [] if change is None else [change])
    over = any(not run.moves_on() for _ in range(most_turns))
    resolved_at = run.incident.resolved_at
    found = [each for each in run.happenings if _still_happens(each, resolved_at)]
    return Simulation(
        run.incident,
        policy_of(run.incident, roster),
        tuple(sorted(found, key=lambda each: each.at)),
        over,
    )


def after(incident: Incident, decision: Advanced | Transitioned) -> Incident:
    """The incident once the decision is written."""
    if isinstance(decision, Advanced):
        return applied(incident, decision.changes)
    return applied(incident, decision.changes, decision.set_if_absent)


@dataclass(slots=True)
class _Run:
    roster: Roster
    incident: Incident
    now: datetime
    changes: list[Change]
    """The changes whose notices are not planned yet."""
    happenings: list[Happening] = field(default_factory=list[Happening])
    taken: StepTaken | None = None
    reminded: bool = False
    """Whether the last message to the fallback address was a reminder."""

    def moves_on(self) -> bool:
        """Does what is due, or moves the clock to the next due time; False if there is none."""
        self._announce()
        timer = due(self.incident, self.now)
        match timer:
            case None:
                following = next_due(self.incident)
                if following is None or self._only_reminds():
                    return False
                self.now = following
            case Timer.PAGES:
                self._write(pages_on(self.incident, self.taken))
            case Timer.FALLBACK if later := self._waits_for_morning():
                changes = Changes(timers={timer: later})
                self._write(settled(self.incident, changes, Progress.HELD_BY_QUIET_HOURS))
            case Timer.FALLBACK | Timer.REMINDER:
                service = self.roster.service(self.incident.service_id)
                reminds = timer is Timer.REMINDER
                if not reminds or not self.reminded:
                    every = remind_every(self.incident, service) if reminds else None
                    self.happenings.append(FallbackTold(self.now, every))
                self.reminded = reminds
                self._write(asked(self.incident, service, self.now))
            case _:
                self._write(decided(timer, self.incident, self.now, self.roster))
        return True

    def _waits_for_morning(self) -> datetime | None:
        """The engine's rule (`engine._waits_for_morning`)."""
        first = self.roster.first_messages.get(self.incident.page_no)
        if self.incident.escalation is not Escalation.COMPLETED or first is None or not first.held:
            return None
        later = first.at + policy_of(self.incident, self.roster).pause
        return later if later > self.now else None

    def _only_reminds(self) -> bool:
        return self.incident.timers.keys() <= {Timer.REMINDER, Timer.ANNOUNCE}

    def _announce(self) -> None:
        if self.incident.announced >= self.incident.changes:
            return
        for change in notices_due(self.incident, self.changes):
            deliveries = change_deliveries(
                self.incident, change, self.roster.receivers, self.roster.status_pages
            )
            self.happenings += [Sent(each.not_before, each) for each in deliveries]
        self.incident = applied(self.incident, announced(self.incident))
        self.changes.clear()

    def _write(self, decision: Advanced | Transitioned) -> None:
        self.incident = after(self.incident, decision)
        made = decision if isinstance(decision, Transitioned) else decision.transition
        if made is not None:
            self.changes.append(made.change)
            self.happenings.append(Changed(self.now, made.change))
        if isinstance(decision, Transitioned):
            return
        if decision.taken is not None:
            self.taken = decision.taken
            because = dict(self._because(decision.taken))
            self.happenings.append(Stepped(self.now, decision.taken, because))
        self.happenings += self._messages(decision.pages)

    def _messages(self, pages: Iterable[Page]) -> Iterator[Sent]:
        for page in pages:
            user = self.roster.known_users.get(page.user_id)
            if user is not None:
                for delivery in page_deliveries(page, self.incident, user):
                    at, known = delivery.not_before, self.roster.first_messages
                    first = Taken(at, held=delivery.quiet_until is not None)
                    before = known.setdefault(page.page_no, first)
                    known[page.page_no] = min(first, before, key=lambda each: each.at)
                    yield Sent(at, delivery)

    def _because(self, taken: StepTaken) -> Iterator[tuple[str, Target]]:
        if taken.step is None or not taken.user_ids:
            return
        known = self.roster
        targets = policy_of(self.incident, known).steps[taken.step].targets
        # The first that reaches somebody is the one that counts.
        for target in reversed(targets):
            for user_id in reach(
                [target], known.known_users, known.known_teams, known.known_rotas, self.now
            ):
                yield user_id, target


def _still_happens(happening: Happening, resolved_at: datetime | None) -> bool:
    """A page of an incident that is resolved by then is never sent (`delivery.is_wanted`)."""
    if resolved_at is None or not isinstance(happening, Sent) or not happening.delivery.pages:
        return True
    return happening.at < resolved_at


def _those[T](known: Mapping[str, T], ids: Iterable[str]) -> dict[str, T]:
    return {each: known[each] for each in ids if each in known}
