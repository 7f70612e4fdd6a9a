"""Promises besides pages: one incident for one problem, quiet windows, and notices.

A part of the judge, under the same rule: it imports nothing of the product.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.simulation.cases import TICK, WAITS, Case, State
from harness.simulation.journal import ANSWERED_WITHIN, Asked, Heard, Told
from harness.simulation.titles import names_of
from harness.simulation.verdict import (
    CLOCKS,
    EARLY_LOOK,
    FALLBACK_PACE,
    REMEMBERED,
    Patience,
    Violation,
)
from harness.simulation.weather import Outage


def twins(cases: Iterable[Case]) -> Iterator[Violation]:
    """A key has a new incident only after its last one was resolved."""
    last: dict[tuple[str, str], Case] = {}
    for case in sorted(cases, key=lambda each: each.phases[0].earliest):
        before = last.get((case.service.name, case.key))
        last[case.service.name, case.key] = case
        opened = case.phases[0]
        if before is None or State.UNCLEAR in (opened.state, before.phases[0].state):
            continue
        # Where the two opened at about the same time, nobody knows which was first.
        unclear = before.phases[0].latest > opened.earliest
        acts = [*before.acts, *(case.acts if unclear else ())]
        latest = max(opened.latest, before.phases[0].latest) if unclear else opened.latest
        if not any(each.what == "resolve" and each.began <= latest for each in acts):
            text = f"{before.name} of the same key was not resolved at {opened.latest:.0f}"
            yield Violation("two at once", case.name, opened.latest, text)


def strays(heard: Iterable[Heard], cases: Mapping[str, Case]) -> Iterator[Violation]:
    """Nobody hears of what never happened."""
    for each in heard:
        for name in names_of(each.text) - cases.keys():
            yield Violation("early", name, each.at, f"{each.to} was told of what never happened")


def broken(asked: Iterable[Asked]) -> Iterator[Violation]:
    """Nothing makes the code answer with a fault of its own."""
    for each in asked:
        if each.broke:
            text = f"{each.who}: {each.what} was answered 500"
            yield Violation("answer", each.about, each.ended or each.began, text)


def too_soon(told: Iterable[Told]) -> tuple[int, list[Violation]]:
    """The fallback hears of all incidents in one message every five minutes. How often it heard
    sooner, and of these without an excuse. A look each minute may come three seconds early.
    """
    again, violations = 0, list[Violation]()
    last: Told | None = None
    for each in told:
        names = names_of(each.text)
        if not names:
            # Of no incident: that nothing is heard any more.
            continue
        if last is not None and each.at - last.at < FALLBACK_PACE - EARLY_LOOK - CLOCKS:
            again += 1
            if not last.excuses_another:
                text = f"the fallback was told again after {each.at - last.at:.0f} seconds"
                violations.append(Violation("too often", min(names), each.at, text))
        last = each
    return again, violations


def replies(
    asked: Iterable[Asked], heard: Sequence[Heard], outages: Sequence[Outage], end: float
) -> Iterator[Violation]:
    """Whoever replies with a code of theirs learns what became of it, once."""
    sent: dict[str, list[Asked]] = defaultdict(list)
    for each in asked:
        if each.way == "text":
            sent[each.key].append(each)
    for number, mine in sent.items():
        if any(outage.to == number for outage in outages):
            continue
        for each in mine:
            if each.status is None and each.began + ANSWERED_WITHIN < end:
                text = f"{number} was not answered: {each.what} {each.about}"
                yield Violation("silence", each.about, each.began + ANSWERED_WITHIN, text)
        answers = [each for each in heard if each.to == number and each.answers]
        excused = sum(each.sender_died or not each.is_answered for each in answers)
        if len(answers) > len(mine) + excused:
            text = f"{number} had {len(answers)} answers to {len(mine)} replies"
            yield Violation("too often", mine[-1].about, answers[-1].at, text)


def windows(case: Case) -> Iterator[Violation]:
    opened = case.phases[0]
    if opened.state is State.UNCLEAR:
        return
    surely = any(
        each.begins[1] + REMEMBERED < opened.earliest and opened.latest < each.ends[0] - CLOCKS
        for each in case.windows
    )
    maybe = any(
        each.begins[0] - CLOCKS < opened.latest and opened.earliest < each.ends[1] + REMEMBERED
        for each in case.windows
    )
    is_held = opened.state is State.HELD and not opened.why.startswith(WAITS)
    if (surely and not is_held) or (is_held and not maybe):
        text = f"opened at {opened.latest:.0f}, {opened.state}; windows: {case.windows}"
        yield Violation("window", case.name, opened.latest, text)


def notices(
    case: Case,
    heard: Mapping[str, list[Heard]],
    patience: Patience,
    outages: Iterable[Outage],
    end: float,
) -> Iterator[Violation]:
    final = case.phases[-1]
    words = {"resolve": "incident.resolved", "acknowledge": "incident.acknowledged"}
    wanted = words.get(final.why)
    if not any(
        phase.state is State.OPEN
        and phase.latest + (TICK if phase.why == "let out" else 0) < case.end(number)[0]
        for number, phase in enumerate(case.phases)
    ):
        # It opened in a window and was over before it was let out, by an older command line with
        # the next tick: nobody hears of it at all.
        wanted = None
    for host in case.service.hooks:
        found = heard.get(host, [])
        deadline = final.latest + patience.send
        for outage in outages:
            if outage.to == host:
                deadline = max(deadline, outage.until + 900 + patience.send)
        if wanted and deadline < end and wanted not in _first_words(found):
            text = f"{host} was to hear {wanted} by {deadline:.0f}"
            yield Violation("notice", case.name, deadline, text)
        excused = sum(each.sender_died or not each.is_answered for each in found)
        for word in set(_first_words(found)):
            times = _first_words(found).count(word)
            most = sum(phase.state is State.OPEN for phase in case.phases) or 1
            if times > max(1, most) + excused and word != "incident.acknowledged":
                text = f"{host} heard {word} {times} times"
                yield Violation("notice", case.name, found[-1].at, text)


def _first_words(heard: Sequence[Heard]) -> list[str]:
    return [each.text.partition(" ")[0] for each in heard]
