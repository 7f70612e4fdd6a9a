"""Says whether everybody was told what, when and how often they should have been.

It looks from outside: at answers, at the messages that receivers took, at what people did, and at
the configuration. Its reading of the contract is its own, and it imports nothing of the product.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf

from harness.simulation import ledger, paces, remaining
from harness.simulation.cases import Case, State, read
from harness.simulation.checks import broken, notices, replies, strays, too_soon, twins, windows
from harness.simulation.configuration import Configuration, Method
from harness.simulation.echoes import Echoes
from harness.simulation.entitlement import Slot, exhausted, quiet_until, slots
from harness.simulation.journal import Heard, Journal
from harness.simulation.remaining import GOES_ON
from harness.simulation.reminders import Reminders
from harness.simulation.sounds import Sounds, names
from harness.simulation.titles import names_of
from harness.simulation.verdict import CLOCKS, FALLBACK_PACE, LOOK, Patience, Verdict, Violation
from harness.simulation.weather import Mood, Outage


@dataclass(frozen=True)
class Judge:
    configuration: Configuration
    patience: Patience
    outages: Sequence[Outage]
    until: float
    """When the night ended."""
    paced: bool = True
    """Whether one message after another is judged, too."""

    def judge(self, journal: Journal) -> Verdict:
        cases = read(journal.asked, self.configuration)
        verdict = Verdict(incidents=len(cases), messages=len(journal.heard))
        heard: Mapping[tuple[str, str], list[Heard]] = defaultdict(list)
        others = set(self.configuration.listening)
        people_heard = [each for each in journal.heard if each.to not in others]
        for each in people_heard:
            is_excused = each.sender_died or not each.is_answered
            verdict.excused += is_excused
            if each.answers:
                # Nobody is paged by what became of their reply.
                continue
            # What is added to a message tells only what is new in it.
            for name in names(each) - (names(each.edits) if each.edits else set()):
                heard[each.to, name].append(each)
        fallback: dict[str, list[float]] = defaultdict(list)
        for told in journal.fallback:
            verdict.fallback += 1
            for name in names_of(told.text):
                fallback[name].append(told.at)
        verdict.fallback_again, unexcused = too_soon(journal.fallback)
        verdict.violations += unexcused
        doubled: dict[int, Heard] = {}
        reminders = Reminders(self.configuration, self.patience, self.until, journal)
        for case in cases.values():
            due = slots(case, self.configuration)
            mine = {to: found for (to, name), found in heard.items() if name == case.name}
            people = {to: found for to, found in mine.items() if to not in case.service.hooks}
            silences, late = self._silences(case, due, people, journal)
            verdict.violations += silences
            verdict.late += late
            verdict.violations += self._ends(case, people)
            verdict.violations += self._goes_on(case, people, journal)
            verdict.violations += windows(case)
            verdict.violations += self._fallback(case, fallback[case.name], journal)
            verdict.violations += reminders.wrong(case, fallback[case.name])
            verdict.violations += notices(case, mine, self.patience, self.outages, self.until)
            violations, again = self._counts(case, due, people)
            verdict.violations += violations
            doubled |= {id(each): each for each in again}
        verdict.doubles = len(doubled)
        verdict.violations += strays(people_heard, cases)
        echoes = Echoes(self.configuration, self.patience, self.outages, self.until, journal)
        verdict.violations += [*echoes.mirrors(), *echoes.reports(), *echoes.pages(cases)]
        sounds = Sounds(self.patience, self.outages, self.until, journal)
        verdict.violations += [*sounds.wrong(cases), *ledger.wrong(journal.asked, journal.log)]
        if self.paced:
            verdict.violations += paces.wrong(people_heard, cases, self.configuration)
        verdict.violations += twins(cases.values())
        verdict.violations += broken(journal.asked)
        verdict.violations += replies(journal.asked, journal.heard, self.outages, self.until)
        verdict.violations.sort(key=lambda each: each.at)
        return verdict

    # Nobody is forgotten.

    def _silences(
        self, case: Case, due: list[Slot], heard: Mapping[str, list[Heard]], journal: Journal
    ) -> tuple[list[Violation], int]:
        """Who was not told, and how many were told beyond patience.

        What comes due while the receiver's pace holds it back is told by one message: there, it is
        enough that one came since. Others have a message for each. A step comes early after one
        that reached nobody: then each turn has had a message.
        """
        violations, late = [], 0
        counted: dict[str, int] = defaultdict(int)
        turns: dict[str, set[tuple[int, int]]] = defaultdict(set)
        for slot in due:
            phase = case.phases[slot.phase]
            is_early = slot.number and self._is_troubled(case, phase.earliest, slot.latest)
            deadline = self._deadline(slot, phase.earliest if is_early else slot.earliest)
            open_until, _ = case.end(slot.phase)
            if deadline >= min(open_until, self.until):
                continue
            counted[slot.to] += 1
            turns[slot.to].add((slot.phase, slot.number))
            least = len(turns[slot.to]) if is_early else inf
            if not slot.pace:
                least = counted[slot.to]

            def was_told(by: float, slot: Slot = slot, least: float = least) -> bool:
                had = [each for each in heard.get(slot.to, ()) if each.at <= by]
                since = [each for each in had if each.at >= slot.earliest - CLOCKS]
                return bool(slot.pace and since) or len(had) >= least

            if was_told(deadline):
                continue
            deaths = self._deaths("SendFunction", slot.latest, deadline, journal)
            allowed = deadline + self.patience.late + deaths * self.patience.death
            # Somebody who acted by then has ended it, and nobody knows whether it would have come.
            if was_told(allowed) or allowed >= min(open_until, self.until):
                late += 1
                continue
            text = f"{slot} was due at {slot.latest:.0f}, and has not come by {deadline:.0f}"
            violations.append(Violation("silence", case.name, deadline, text))
        return violations, late

    @staticmethod
    def _deaths(function: str, since: float, until: float, journal: Journal) -> int:
        """Each leaves a lease, which the tick after its end finds. `function`: how their names
        begin.
        """
        times = (at for at, name in journal.died if name.startswith(function))
        return sum(since <= at <= until for at in times)

    def _deadline(self, slot: Slot, earliest: float) -> float:
        patience = self.patience
        deadline = slot.latest + slot.pace + patience.send + (slot.number + 1) * patience.step
        for outage in self.outages:
            since = earliest - CLOCKS
            if outage.to == slot.to and outage.since <= deadline and outage.until > since:
                # A receiver that works again is tried within minutes; who refuses, never.
                again = inf if outage.mood is Mood.REFUSES else outage.until + 900
                deadline = max(deadline, again + patience.send)
        return deadline

    # No page comes early, or too often.

    def _counts(
        self, case: Case, due: list[Slot], heard: Mapping[str, list[Heard]]
    ) -> tuple[list[Violation], list[Heard]]:
        """What is wrong, and the messages that came once more than due, with an excuse."""
        violations, doubled = list[Violation](), list[Heard]()
        # From there on nobody knows what is due.
        unclear = (phase.earliest for phase in case.phases if phase.state is State.UNCLEAR)
        clear_until = min(unclear, default=inf) - CLOCKS
        for to, everything in heard.items():
            messages = [each for each in everything if each.at < clear_until]
            mine = [slot for slot in due if slot.to == to]
            excused = again = 0
            for number, message in enumerate(sorted(messages, key=lambda it: it.at), 1):
                entitled = sum(self._earliest(slot, case) <= message.at for slot in mine)
                if number > entitled + excused:
                    kind = "early" if number <= len(mine) + excused else "too often"
                    text = f"{to} had message {number} at {message.at:.0f}, and {entitled} were due"
                    violations.append(Violation(kind, case.name, message.at, text))
                    break
                if number > entitled + again:
                    again += 1
                    doubled.append(message)
                excused += message.sender_died or not message.is_answered
        return violations, doubled

    def _earliest(self, slot: Slot, case: Case) -> float:
        """A step before it that cannot reach anybody is not waited for."""
        phase = case.phases[slot.phase]
        if slot.number and self._is_troubled(case, phase.earliest, slot.latest):
            return phase.earliest - CLOCKS
        return slot.earliest - CLOCKS

    def _is_troubled(self, case: Case, since: float, until: float) -> bool:
        """Whether anybody of the policy could not be reached in that time."""
        policy = self.configuration.policy_of(case.service)
        addresses = {
            method.address
            for step in policy.steps
            for name in step.people
            for method in self.configuration.person(name).methods
        }
        return any(
            outage.to in addresses and outage.since <= until and outage.until >= since
            for outage in self.outages
        )

    # Pages end when somebody takes the incident.

    def _ends(self, case: Case, heard: Mapping[str, list[Heard]]) -> Iterator[Violation]:
        for number, phase in enumerate(case.phases):
            if phase.state not in (State.HELD, State.OVER):
                continue
            earliest, _ = case.end(number)
            given = [each.address for each in self._methods(phase.who)]
            for to, messages in heard.items():
                for message in messages if to not in given else ():
                    if phase.latest + self.patience.claimed < message.at < earliest - CLOCKS:
                        text = f"{to} was told at {message.at:.0f}, after {phase.why}"
                        yield Violation("after the end", case.name, message.at, text)

    def _methods(self, name: str) -> tuple[Method, ...]:
        return self.configuration.person(name).methods if name else ()

    # Whoever is to be paged again, is.

    def _goes_on(
        self, case: Case, heard: Mapping[str, list[Heard]], journal: Journal
    ) -> Iterator[Violation]:
        """Resumed or escalated, it pages at once, whichever step that is, and then whoever is left
        of the policy.
        """
        for number, phase in enumerate(case.phases):
            if phase.why not in GOES_ON:
                continue
            troubled = partial(self._is_troubled, case)
            owed = remaining.owed(case, number, self.configuration, troubled)
            open_until, _ = case.end(number)
            counted: dict[str, int] = defaultdict(int)
            for slot in owed:
                deadline = self._deadline(slot, phase.earliest)
                deaths = self._deaths("SendFunction", phase.earliest, deadline, journal)
                deadline += self.patience.late + deaths * self.patience.death
                if deadline >= min(open_until, self.until):
                    continue
                counted[slot.to] += 1
                had = [each.at for each in heard.get(slot.to, ())]
                since = sum(phase.earliest - CLOCKS <= at <= deadline for at in had)
                if since < (1 if slot.pace else counted[slot.to]):
                    text = f"{phase.why} at {phase.latest:.0f}, {slot} has not come "
                    text += f"by {deadline:.0f}"
                    yield Violation("silence", case.name, deadline, text)
            if troubled(phase.earliest, phase.latest):
                continue
            policy = self.configuration.policy_of(case.service)
            people = {name for step in policy.steps for name in step.people}
            quiet = [quiet_until(self.configuration.person(each), case, phase) for each in people]
            deadline = max([*quiet, phase.latest]) + 60 + self.patience.send + self.patience.step
            times = [each.at for messages in heard.values() for each in messages]
            if deadline < min(open_until, self.until) and not any(
                phase.earliest - CLOCKS <= at <= deadline for at in times
            ):
                text = f"{phase.why} at {phase.latest:.0f}, and nobody was told by {deadline:.0f}"
                yield Violation("silence", case.name, deadline, text)

    # The fallback hears when nobody is left.

    def _fallback(self, case: Case, told: list[float], journal: Journal) -> Iterator[Violation]:
        first_possible = inf
        for number, phase in enumerate(case.phases):
            end = exhausted(case, number, self.configuration)
            if phase.state is State.OPEN and phase.why in GOES_ON:
                end = remaining.over(case, number, self.configuration)
            if phase.state is State.UNCLEAR or phase.why in GOES_ON:
                first_possible = min(first_possible, phase.earliest)
            if end is None:
                continue
            troubled = self._is_troubled(case, phase.earliest, min(end[1], self.until))
            # Of what was raised it may have heard before.
            earliest = min(phase.earliest, end[0]) if troubled else end[0]
            first_possible = min(first_possible, earliest)
            policy = self.configuration.policy_of(case.service)
            steps = len(policy.steps) * (policy.repeat + 1) + 1
            # One message in five minutes, in a digest: it may have to wait for its turn, which a
            # look each minute finds.
            turn = FALLBACK_PACE + LOOK
            deadline = end[1] + steps * self.patience.step + turn + self.patience.step
            deaths = self._deaths("T", end[1], deadline, journal)
            deadline += self.patience.late + deaths * self.patience.death
            open_until, _ = case.end(number)
            if deadline < min(open_until, self.until) and not any(
                earliest - CLOCKS <= at <= deadline for at in told
            ):
                text = f"the fallback was to be told at {end[1]:.0f}, and was not by {deadline:.0f}"
                yield Violation("fallback", case.name, deadline, text)
        for at in told[:1]:
            if at < first_possible - CLOCKS:
                text = f"the fallback was told at {at:.0f}, while people were still to be paged"
                yield Violation("fallback", case.name, at, text)
