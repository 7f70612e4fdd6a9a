"""The two tables of docs/events-api.md again, small and independent, to compare the product with.

Imports nothing of the product.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final

OPEN, ACKNOWLEDGED, SNOOZED, SUPPRESSED = "OPEN", "ACKNOWLEDGED", "SNOOZED", "SUPPRESSED"
RESOLVED: Final = "RESOLVED"
URGENCY: Final = {"critical": "HIGH", "error": "MEDIUM", "warning": "MEDIUM", "info": "LOW"}

# A missing cell is refused. To enter the same status again is a change, except for REPEATED.
TABLE: Final[Mapping[str, Mapping[str, str]]] = {
    "acknowledge": dict.fromkeys((OPEN, ACKNOWLEDGED, SNOOZED, SUPPRESSED), ACKNOWLEDGED),
    "resolve": dict.fromkeys((OPEN, ACKNOWLEDGED, SNOOZED, SUPPRESSED), RESOLVED),
    "snooze": dict.fromkeys((OPEN, ACKNOWLEDGED, SNOOZED), SNOOZED),
    "unsnooze": {SNOOZED: OPEN},
    "suppress": dict.fromkeys((OPEN, ACKNOWLEDGED, SNOOZED, SUPPRESSED), SUPPRESSED),
    "unsuppress": {SUPPRESSED: OPEN},
    "escalate": {OPEN: OPEN, ACKNOWLEDGED: OPEN},
    "reassign": {status: status for status in (OPEN, ACKNOWLEDGED, SNOOZED, SUPPRESSED)},
    "also page": {OPEN: OPEN, ACKNOWLEDGED: ACKNOWLEDGED},
    "note": {status: status for status in (OPEN, ACKNOWLEDGED, SNOOZED, SUPPRESSED)},
    "amend": {status: status for status in (OPEN, ACKNOWLEDGED, SNOOZED, SUPPRESSED)},
    "unacknowledge": {ACKNOWLEDGED: OPEN},
    "acknowledgement timeout": {ACKNOWLEDGED: OPEN},
    "auto-resolve": {OPEN: RESOLVED, ACKNOWLEDGED: RESOLVED, SUPPRESSED: RESOLVED},
}
BEGIN_AGAIN: Final = ("unacknowledge", "acknowledgement timeout")
# A reassignment to the same user within this time is the same request, sent again.
AGAIN: Final = timedelta(minutes=2)
REPEATED: Final = {("acknowledge", ACKNOWLEDGED), ("suppress", SUPPRESSED)}


@dataclass
class Problem:
    """An incident as it should be."""

    id: str
    title: str
    urgency: str
    status: str = OPEN
    alerts: int = 1
    alerted: datetime | None = None
    """When the last alert came."""
    changes: int = 1
    epoch: int = 0
    announced: int = 0
    acknowledged_at: datetime | None = None
    given: datetime | None = None
    """When it was last reassigned, always to the same user; None once it is not theirs."""
    step_requested: bool = False
    """Whether somebody has requested a step that is not taken yet."""

    def act(self, what: str, now: datetime) -> str:
        """The outcome of the command: "moved", "unchanged" or "refused"."""
        after = TABLE[what].get(self.status)
        if after is None or (what == "escalate" and self.step_requested):
            return "refused"
        if (what, self.status) in REPEATED:
            return "unchanged"
        if what == "reassign":
            if self.given is not None and now < self.given + AGAIN:
                return "unchanged"
            self.given = now
        elif what in ("acknowledge", "escalate", *BEGIN_AGAIN):
            # Somebody else has it, or it is the policy's.
            self.given = None
        if what == "acknowledge":
            self.acknowledged_at = now
        stays = after == OPEN and what not in ("reassign", *BEGIN_AGAIN)
        self.step_requested = what == "escalate" or (self.step_requested and stays)
        self.epoch += after != self.status
        self.status = after
        self.changes += 1
        return "moved"


@dataclass
class Model:
    """All incidents of one service and dedup key, the newest last."""

    problems: list[Problem] = field(default_factory=list)

    @property
    def active(self) -> Problem | None:
        last = self.problems[-1] if self.problems else None
        return last if last and last.status != RESOLVED else None

    def take(
        self, action: str, severity: str, title: str, now: datetime, *, window: bool
    ) -> tuple[str, Problem | None]:
        """The action that the answer must name, and the incident. A new one gets its id from the
        caller, who learns it from the answer.
        """
        problem = self.active
        if action == "trigger":
            if problem is not None:
                problem.alerts += 1
                problem.alerted = now
                return "deduplicated", problem
            status = SUPPRESSED if window else OPEN
            problem = Problem(
                "", title, URGENCY[severity], status, alerted=now, announced=int(window)
            )
            self.problems.append(problem)
            return "triggered", problem
        if problem is None:
            return "ignored", None
        problem.act(action, now)
        return {"acknowledge": "acknowledged", "resolve": "resolved"}[action], problem


@dataclass(frozen=True)
class Seen:
    """One operation on a key as its client saw it, between two moments of one clock.

    `said` is the action in the answer, or the outcome of a command; `id` and `status` are those of
    the incident in the answer.
    """

    asked: str
    said: str
    id: str | None
    status: str | None
    began: float
    ended: float


@dataclass(frozen=True)
class _State:
    id: str | None = None
    status: str | None = None
    used: frozenset[str] = frozenset()


def in_some_order(history: Iterable[Seen]) -> bool:
    """Whether some sequential order that no clock contradicts gives these answers.

    (Linearizability, after Wing and Gong; each key by itself, which is enough.)
    """
    seen = tuple(history)

    @cache
    def possible(left: frozenset[int], state: _State) -> bool:
        if not left:
            return True
        first_end = min(seen[number].ended for number in left)
        return any(
            possible(left - {number}, after)
            for number in left
            if seen[number].began <= first_end
            and (after := _after(state, seen[number])) is not None
        )

    return possible(frozenset(range(len(seen))), _State())


def _after(state: _State, seen: Seen) -> _State | None:
    """The state after it; None when its answer is impossible."""
    if seen.asked == "trigger" and state.id is None:
        new = seen.said == "triggered" and seen.status == OPEN and seen.id not in state.used
        if not new or seen.id is None:
            return None
        return _State(seen.id, OPEN, state.used | {seen.id})
    if seen.said in ("ignored", "nobody"):
        return state if state.id is None else None
    if seen.said == "refused" and seen.status == RESOLVED:
        return state if seen.id != state.id and seen.id in state.used else None
    if seen.id != state.id or state.status is None:
        return None
    if seen.asked == "trigger":
        return state if (seen.said, seen.status) == ("deduplicated", state.status) else None
    problem = Problem("", "", "", state.status)
    came_to = problem.act(seen.asked, datetime.min.replace(tzinfo=UTC))
    said = {"acknowledged": ("moved", "unchanged"), "resolved": ("moved",)}
    if came_to not in said.get(seen.said, (seen.said,)) or seen.status != problem.status:
        return None
    if problem.status == RESOLVED:
        return replace(state, id=None, status=None)
    return replace(state, status=problem.status)
