"""The life of each incident as the world outside can know it, from requests and answers.

An answer says that something was done between two moments; without one it may have been done or
not. So every time here is a span, and where it is unclear what holds, nothing is claimed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import inf
from typing import Final

from harness.simulation.beats import events
from harness.simulation.configuration import URGENCIES, Configuration, Service
from harness.simulation.journal import Asked
from harness.simulation.titles import name_of
from harness.simulation.verdict import CLOCKS
from harness.simulation.windows import Window, last_one, windows_of


class State(StrEnum):
    OPEN = "open"
    HELD = "held"
    """Acknowledged, snoozed or suppressed: nobody is to be paged."""
    OVER = "over"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Phase:
    """From some moment between `earliest` and `latest` until the next phase."""

    state: State
    earliest: float
    latest: float
    why: str
    """`opened`, `let out` (of a window), `waits` (it may resolve itself), `waited`, `raised` (its
    support hours begin), `again` (an acknowledgement that timed out), `resumed`, `escalated`,
    `reassigned`, `given` (to somebody, while acknowledged), or what was done.
    """
    who: str = ""
    """To whom it was reassigned."""


@dataclass
class Case:
    """One incident, by the word in its title that no other has."""

    name: str
    service: Service
    urgency: str
    """Within the support hours of its service."""
    key: str
    monitor: str = ""
    tried_until: float = -inf
    """Until then a further try of its trigger may have opened it anew."""
    phases: list[Phase] = field(default_factory=list[Phase])
    acts: list[Asked] = field(default_factory=list[Asked])
    windows: list[Window] = field(default_factory=list[Window])

    @property
    def raised_at(self) -> float | None:
        """When the support hours begin that make it more urgent; None where nothing lowers it."""
        since = self.service.supported_from
        return None if since is None or self.urgency != "MEDIUM" else since * MINUTE

    def urgency_in(self, phase: Phase) -> str:
        is_lowered = self.raised_at is not None and phase.earliest < self.raised_at
        return "LOW" if is_lowered else self.urgency

    def end(self, number: int) -> tuple[float, float]:
        """When a phase is over, at the earliest and at the latest."""
        if number + 1 == len(self.phases):
            return inf, inf
        following = self.phases[number + 1]
        return following.earliest, following.latest


def read(asked: Sequence[Asked], configuration: Configuration) -> dict[str, Case]:
    """All incidents that were opened, or may have been."""
    cases: dict[str, Case] = {}
    asked = [each for each in asked if each.what != "beat"] + [*events(asked, configuration)]
    for each in sorted(asked, key=lambda it: it.began):
        if each.what == "trigger":
            _opened(each, configuration, cases)
    windows = windows_of(asked)
    for each in sorted(asked, key=lambda it: it.began):
        name = name_of(each.incident or each.about)
        # An event that was ignored came before its incident, or after it; tried again after no
        # answer, it may have been carried out by then.
        ignored = each.body.get("result", {}).get("action") == "ignored"
        if each.what == "trigger" or (ignored and each.tries == 1):
            continue
        told = name in cases and each.incident
        for case in [cases[name]] if told else _meant(each, name, cases):
            case.acts.append(replace(each, status=None) if ignored else each)
        meant = name_of(each.about)
        if each.tries > 1 and meant != name and meant in cases:
            # The answer is about the next incident of its key. A try that got none may have been
            # carried out on the one that it was meant for.
            cases[meant].acts.append(replace(each, status=None))
    for case in cases.values():
        case.windows = windows.get(case.service.name, [])
        _live(case)
    return cases


def _meant(each: Asked, name: str, cases: Mapping[str, Case]) -> list[Case]:
    """Those that something may have been about whose answer does not say so: another trigger of its
    key may have opened the incident, with another title.
    """
    until = inf if each.ended is None else each.ended
    return [
        case
        for case in cases.values()
        if case.name == name
        or (each.key == case.key and each.who == case.monitor and case.phases[0].earliest <= until)
    ]


def _opened(each: Asked, configuration: Configuration, cases: dict[str, Case]) -> None:
    mine, told = name_of(each.about), name_of(each.incident)
    answered = each.status == 202 and told == mine
    if each.status == 202 and not answered and each.tries == 1:
        return  # Added to what another trigger had opened; an earlier try may have opened its own.
    service = configuration.service(each.service)
    case = cases.setdefault(mine, Case(mine, service, URGENCIES[each.severity], each.key, each.who))
    if each.tries > 1:
        case.tried_until = inf if each.ended is None else each.ended
    incident = each.body.get("result", {}).get("incident", {})
    # Tried again, the answer tells how it is by then, and not how it was opened.
    is_held = incident.get("status") == "SUPPRESSED"
    state = State.HELD if is_held else State.OPEN
    if not answered or (each.tries > 1 and incident.get("status") not in ("OPEN", "SUPPRESSED")):
        state = State.UNCLEAR
    until = each.ended if answered and each.ended is not None else inf
    opened = Phase(state, each.began, until, "opened")
    if case.raised_at is not None and each.began <= case.raised_at + CLOCKS <= until + 2 * CLOCKS:
        # Before its hours or within them: only the function's own clock knows.
        opened = replace(opened, state=State.UNCLEAR)
    monitor = each.who.removeprefix("monitor of ")
    minutes = configuration.service(monitor).page_after if monitor != each.who else None
    if opened.state is State.OPEN and minutes is not None and case.urgency_in(opened) != "HIGH":
        opened = replace(opened, state=State.HELD, why=f"{WAITS} {minutes}")
    case.phases.append(opened)


def _live(case: Case) -> None:
    """The phases after the first, by what was done."""
    if case.phases[0].state is State.UNCLEAR:
        return
    # A note changes nothing, whether it was answered or not.
    for group in _at_once(each for each in case.acts if each.what != "notes"):
        _catch_up(case, min(each.began for each in group))
        last = case.phases[-1]
        if last.state in (State.OVER, State.UNCLEAR):
            return
        phase = _after(case, group, last)
        if phase is not last:
            case.phases.append(phase)
    _catch_up(case, inf)


def _at_once(acts: Iterable[Asked]) -> list[list[Asked]]:
    """Groups acts that overlap in time: nobody outside knows which came first."""
    groups: list[list[Asked]] = []
    end = -inf
    for each in acts:
        if groups and each.began <= end:
            groups[-1].append(each)
        else:
            groups.append([each])
            end = -inf
        end = max(end, inf if each.ended is None else each.ended)
    return groups


def _after(case: Case, group: list[Asked], last: Phase) -> Phase:
    done = [each for each in group if each.status is not None and each.status < 400]
    unclear = [each for each in group if each.status is None or each.status >= 500]
    began = min(each.began for each in group)
    kinds = {each.what for each in done}
    ended = max((each.ended or inf for each in done), default=inf)
    if unclear and not done:
        return Phase(State.UNCLEAR, began, inf, "no answer")
    if ends := [each for each in done if each.what == "resolve"]:
        # With acts that took long it may have opened again before, or by its trigger's next try.
        again = began <= case.tried_until or min(each.began for each in ends) > began + NEAR
        state = State.UNCLEAR if again else State.OVER
        return Phase(state, began, min(each.ended or inf for each in ends), "resolve")
    kinds -= {"trigger"}
    if not kinds:
        return last
    if len(kinds) > 1 or unclear:
        return Phase(State.UNCLEAR, began, inf, " and ".join(sorted(kinds)))
    match kinds.pop():
        case "acknowledge":
            first = min(each.ended or inf for each in done)
            return Phase(State.HELD, began, first, "acknowledge")
        case "snooze":
            minutes = int(done[0].sent.get("minutes", 60))
            return Phase(State.HELD, began, ended, f"snooze {minutes}")
        case "reassign" | "escalate" if _may_be_let_out(case, last, began, ended):
            # In the window, as it ended, or after it: each has other consequences.
            return Phase(State.UNCLEAR, began, inf, "as a window ended")
        case "escalate" if any(each.tries > 1 for each in done):
            # Each try that was carried out pages once more.
            return Phase(State.UNCLEAR, began, inf, "escalated, perhaps twice")
        case "escalate":
            return Phase(State.OPEN, began, ended, "escalated")
        case "reassign" if any(each.tries > 1 and ended - each.began > AGAIN for each in done):
            return Phase(State.UNCLEAR, began, inf, "given late, perhaps twice")
        case "reassign" if last.state is State.OPEN or last.why.startswith(WAITS):
            who = str(done[0].sent["userId"]).removeprefix("user_")
            return Phase(State.OPEN, began, ended, "reassigned", who)
        case "reassign" if last.why not in ("acknowledge", "given"):
            # Snoozed or in a window: somebody has it, and hears nothing of it.
            return last
        case "reassign":
            who = str(done[0].sent["userId"]).removeprefix("user_")
            return Phase(State.HELD, began, ended, "given", who)
        case kind:
            return Phase(State.UNCLEAR, began, inf, kind)


def _may_be_let_out(case: Case, last: Phase, began: float, ended: float) -> bool:
    """Whether the window that kept it quiet may have ended while somebody acted."""
    if last.why == "let out":
        return began < last.latest
    window = None
    if (last.state, last.why) == (State.HELD, "opened"):
        window = last_one(case.windows, last.earliest, last.latest)
    return window is not None and window.ends[0] - CLOCKS <= ended


def _catch_up(case: Case, until: float) -> None:
    """Adds the phases that begin by themselves before `until`: snoozes and acknowledgements end,
    and support hours begin.
    """
    while True:
        last = case.phases[-1]
        kind, _, minutes = last.why.partition(" ")
        if last.state is State.OPEN and case.urgency_in(last) != case.urgency:
            raised = case.raised_at or 0.0
            if raised - CLOCKS >= until:
                return
            # Near an act nobody knows which came first; nor near the moment when it came to life.
            is_clear = last.latest + NEAR < raised < until - NEAR or last.why == "opened"
            state = State.OPEN if is_clear and raised + NEAR < until else State.UNCLEAR
            case.phases.append(Phase(state, raised, raised, "raised", last.who))
            continue
        if last.state is not State.HELD:
            return
        if kind == "snooze":
            after, why = int(minutes), "resumed"
        elif kind == WAITS:
            after, why = int(minutes), "waited"
        elif kind == "opened":
            window = last_one(case.windows, last.earliest, last.latest)
            if window is None or window.ends[0] - CLOCKS >= until:
                return
            latest = window.ends[1]
            if len(case.windows) > 1:
                # Another window has kept it quiet, and only ticks look for its end.
                latest += TICK
            if window.ends[0] < last.latest:
                latest = max(latest, last.latest + LOOKED_AT_EVERY)
            case.phases.append(Phase(State.OPEN, window.ends[0], latest, "let out"))
            continue
        elif kind in ("acknowledge", "given") and case.service.acknowledgement_timeout is not None:
            after, why = case.service.acknowledgement_timeout, "again"
            # Whoever has it by now: the time counts from when it was acknowledged.
            [last] = [each for each in case.phases if each.why == "acknowledge"][-1:]
        else:
            return
        earliest, latest = last.earliest + after * 60, last.latest + after * 60
        if earliest - CLOCKS >= until:
            return
        # An act near that moment may have come before it, or after.
        state = State.OPEN if latest + NEAR < until else State.UNCLEAR
        if case.raised_at is not None and earliest - NEAR < case.raised_at <= latest + CLOCKS:
            # The hours begin at about the same time.
            state = State.UNCLEAR
        case.phases.append(Phase(state, earliest, latest, why))


MINUTE: Final = 60.0
WAITS: Final = "waits"
TICK: Final = 60.0
# An incident in a window is looked at so often.
LOOKED_AT_EVERY: Final = 300.0
# Asked for once more within this time, a reassignment is still the same.
AGAIN: Final = 110.0
# Acts so near to the end of a snooze may come before it or after it, as far as anybody knows.
NEAR: Final = 300.0
