"""What others hear in a night: the system that a service is mirrored to, a desk that gets a daily
report, and customers who look at a status page.

A part of the judge, under the same rule: it imports nothing of the product.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.simulation.cases import Case, State
from harness.simulation.configuration import Configuration, Page, Service
from harness.simulation.journal import Asked, Heard, Journal
from harness.simulation.verdict import CLOCKS, Patience, Violation
from harness.simulation.weather import Mood, Outage

# A mirror that fails is left alone for so long at most, and a report is tried for minutes.
AGAIN_WITHIN = 75.0
RETRIED_WITHIN = 900.0
# A page looks each minute; one look may be lost, or overtaken, and the next one die.
LOOKED_WITHIN = 60.0
# Its time moves so often at least, whatever happens.
MOVES_WITHIN = 300.0
# DynamoDB's clients wait for so long.
NO_ANSWER = 1.9
_SENT = ("trigger", "acknowledge", "resolve")
_SHOWN = {"HIGH": "down", "MEDIUM": "degraded"}


@dataclass(frozen=True)
class Echoes:
    configuration: Configuration
    patience: Patience
    outages: Sequence[Outage]
    until: float
    journal: Journal

    def _deadline(
        self, to: str, since: float, again: float, *, looked: float = 0.0, lingers: float = CLOCKS
    ) -> float | None:
        """By when something that was due has arrived. None where it never may. `looked`: how long
        after it was due somebody may look first. `lingers`: for how long after an outage what comes
        only then may wait with what the outage has held up.
        """
        patience = self.patience
        deadline = since + looked + patience.send + patience.step
        died = sum(since <= at <= deadline for at, name in self.journal.died if _sends(name))
        deadline += patience.late + died * patience.death
        for outage in self.outages:
            if outage.to == to and outage.since <= deadline and outage.until >= since - lingers:
                if outage.mood is Mood.REFUSES:
                    return None
                deadline = max(deadline, outage.until + again + patience.send + patience.late)
        return deadline

    def _heard(self, host: str) -> list[Heard]:
        return [each for each in self.journal.heard if each.to == host]

    # Each event of a mirrored service arrives, once, and after those of its key before it.

    def mirrors(self) -> Iterator[Violation]:
        for service in self.configuration.services:
            if service.mirror:
                yield from self._mirror(service, self._heard(service.mirror))

    def _mirror(self, service: Service, heard: Sequence[Heard]) -> Iterator[Violation]:
        sent: Mapping[str, list[Asked]] = defaultdict(list)
        for each in self.journal.asked:
            if each.what in _SENT and each.service == service.name and each.key:
                sent[_line(each)].append(each)
        arrived: Mapping[str, list[Heard]] = defaultdict(list)
        for message in heard:
            arrived[message.text].append(message)
        for line in arrived.keys() - sent.keys():
            yield _wrong(service, arrived[line][0].at, f"heard {line!r}, which nobody sent")
        for line, asked in sent.items():
            yield from self._arrival(service, line, asked, arrived[line])
        yield from self._order(service, sent, arrived)

    def _arrival(
        self, service: Service, line: str, asked: Sequence[Asked], heard: Sequence[Heard]
    ) -> Iterator[Violation]:
        excused = sum(each.sender_died or not each.is_answered for each in heard)
        if len(heard) > sum(each.tries + _unsure(each) for each in asked) + excused:
            yield _wrong(service, heard[-1].at, f"heard {line!r} {len(heard)} times")
        answered = [each for each in asked if each.status == 202 and each.ended is not None]
        for number, each in enumerate(sorted(answered, key=lambda it: it.ended or 0.0), 1):
            since = each.ended or 0.0
            # Its key may be put aside since the outage.
            deadline = self._deadline(service.mirror, since, AGAIN_WITHIN, lingers=AGAIN_WITHIN)
            if deadline is None or deadline >= self.until or self._refused(service.mirror):
                continue
            # Those that are alike may arrive in any order.
            if sum(it.at <= deadline for it in heard) < number:
                yield _wrong(service, deadline, f"had not heard {line!r} by {deadline:.0f}")

    def _refused(self, host: str) -> bool:
        """A first trigger that is refused takes the rest of its key with it."""
        return any(each.to == host and each.mood is Mood.REFUSES for each in self.outages)

    @staticmethod
    def _order(
        service: Service,
        sent: Mapping[str, Sequence[Asked]],
        arrived: Mapping[str, Sequence[Heard]],
    ) -> Iterator[Violation]:
        """Of two events of a key, one answered before the other was sent."""
        single = {line: asked[0] for line, asked in sent.items() if len(asked) == 1}
        for line, first in single.items():
            for other, second in single.items():
                mine, theirs = arrived.get(line), arrived.get(other)
                if first.key != second.key or not mine or not theirs:
                    continue
                is_before = first.status == 202 and (first.ended or 0.0) < second.began
                # Without an answer, an earlier try may have been taken.
                if is_before and first.tries == 1 and theirs[0].at < mine[0].at:
                    yield _wrong(service, theirs[0].at, f"heard {other!r} before {line!r}")

    # A report comes once a day.

    def reports(self) -> Iterator[Violation]:
        for report in self.configuration.reports:
            due = report.at * 60.0
            mine = self._heard(report.host)
            if any(each.text.partition(" ")[0] != "report" for each in mine):
                yield Violation("report", report.name, mine[0].at, "heard something else")
            excused = sum(each.sender_died or not each.is_answered for each in mine)
            if len(mine) > 1 + excused:
                text = f"{report.host} had {len(mine)} reports"
                yield Violation("report", report.name, mine[-1].at, text)
            if mine and mine[0].at < due - CLOCKS:
                text = f"{report.host} had its report at {mine[0].at:.0f}, before {due:.0f}"
                yield Violation("report", report.name, mine[0].at, text)
            # A tick plans it.
            deadline = self._deadline(report.host, due, RETRIED_WITHIN, looked=LOOKED_WITHIN)
            if deadline is None or deadline >= self.until:
                continue
            if not any(each.at <= deadline for each in mine):
                text = f"{report.host} had no report by {deadline:.0f}"
                yield Violation("report", report.name, deadline, text)

    # A status page is current.

    def pages(self, cases: Mapping[str, Case]) -> Iterator[Violation]:
        for page in self.configuration.pages:
            shown = [each for each in self.journal.published if each.page == page.name]
            times = [0.0, *(each.at for each in shown), self.until]
            for one, other in pairwise(times):
                if other - one > MOVES_WITHIN + self._look():
                    text = f"it was not rendered from {one:.0f} to {other:.0f}"
                    yield Violation("page", page.name, other, text)
            for name in page.services:
                mine = [each for each in cases.values() if each.service.name == name]
                states = [(each.at, each.states.get(name, "")) for each in shown]
                yield from self._states(page, name, mine, states)

    def _look(self) -> float:
        """For how long a change may not be on a page."""
        died = self.patience.death and 2 * LOOKED_WITHIN
        return 2 * LOOKED_WITHIN + died + self.patience.send

    def _states(
        self, page: Page, name: str, cases: Sequence[Case], states: Sequence[tuple[float, str]]
    ) -> Iterator[Violation]:
        for case in cases:
            shows = _SHOWN.get(case.urgency)
            counted = _counts(case)
            if shows is None or counted is None:
                continue
            since, until = counted
            by = since + page.after * 60.0 + self._look()
            if by >= min(until, self.until):
                continue
            said = _at(states, by)
            if said not in ("down", shows):
                text = f"{name} was {said!r} at {by:.0f}, with {case.name} since {since:.0f}"
                yield Violation("page", page.name, by, text)
        ends = [each.phases[-1] for each in cases]
        if not all(each.state is State.OVER for each in ends):
            return
        by = max((each.latest for each in ends), default=0.0) + self._look()
        if by < self.until and _at(states, self.until) != "none":
            text = f"{name} is {_at(states, self.until)!r} long after all was over"
            yield Violation("page", page.name, by, text)


def _sends(process: str) -> bool:
    return process.startswith(("SendFunction", "NotifyFunction", "Ti"))


def _unsure(asked: Asked) -> int:
    """Whether DynamoDB may not have answered when it was noted: then it was noted once more."""
    return 1 if asked.ended is None or asked.ended - asked.began >= NO_ANSWER else 0


def _line(asked: Asked) -> str:
    """As the other system hears it."""
    return f"{asked.what} | {asked.key} | {asked.about}"


def _wrong(service: Service, at: float, text: str) -> Violation:
    return Violation("mirror", service.name, at, f"{service.mirror} {text}")


def _at(states: Sequence[tuple[float, str]], at: float) -> str:
    said = [state for when, state in states if when <= at]
    return said[-1] if said else ""


def _counts(case: Case) -> tuple[float, float] | None:
    """From when at the latest, and until when at the earliest, customers are to hear of it. None
    where nobody knows.
    """
    since = None
    for phase in case.phases:
        if phase.state is State.UNCLEAR or phase.why.startswith(("opened in", "wait")):
            return None
        is_over = phase.state is State.OVER or phase.why == "suppress"
        if is_over:
            return (since, phase.earliest) if since is not None else None
        if phase.state is State.OPEN and since is None:
            since = phase.latest
        if phase.state is State.HELD and since is None:
            # In a maintenance window: it is suppressed until that ends.
            return None
    return (since, float("inf")) if since is not None else None
