"""The timeline as people read it: one row for one fact. Pure: names and clocks are arguments.

A change and the step that it asked for are two records, seconds apart. Programs get both.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from opsknight.escalation.pages import StepTaken, Why
from opsknight.incident.timeline import Change, ChangeKind
from opsknight.views.sentences import Names, said, taken

# The engine takes the step within seconds, or with the next tick.
SOON: Final = timedelta(minutes=2)
_ASKS: Final = {Why.REASSIGNED: ChangeKind.REASSIGNED, Why.ASKED: ChangeKind.ESCALATED}

type Row = tuple[datetime, int, str]
"""When, where among those of the same instant, and a sentence."""


def story(
    changes: Iterable[Change],
    steps: Iterable[StepTaken],
    names: Names,
    clock: Callable[[datetime], str],
) -> list[Row]:
    """The oldest first."""
    changes, steps = list(changes), list(steps)
    rows: list[Row] = []
    told: set[int] = set()
    for step in steps:
        cause = _cause(step, changes, told)
        if cause is None:
            rows.append((step.at, 1_000_000 + step.page_no, taken(step, names)))
        elif step.reason is Why.EXHAUSTED:
            told.add(cause.number)
            rows.append((cause.at, cause.number, taken(step, names)))
        else:
            told.add(cause.number)
            what = f"{said(cause, names, clock)}: {_paged(cause, step, names)}"
            rows.append((cause.at, cause.number, what))
    rows += [
        (each.at, each.number, said(each, names, clock))
        for each in changes
        if each.number not in told
    ]
    return sorted(rows)


def _cause(step: StepTaken, changes: Sequence[Change], told: set[int]) -> Change | None:
    """The change that led to the step and says half of the same; the last of several."""
    kind = ChangeKind.EXHAUSTED if step.reason is Why.EXHAUSTED else _ASKS.get(step.reason)
    near = [
        each
        for each in changes
        if each.what == kind
        and each.number not in told
        and abs(step.at - each.at) <= SOON
        and (each.at <= step.at or step.reason is Why.EXHAUSTED)
    ]
    return max(near, key=lambda each: each.number, default=None)


def _paged(cause: Change, step: StepTaken, names: Names) -> str:
    if step.user_ids == (cause.detail.get("assignee"),):
        return "paged"
    sentence = taken(step, names)
    return sentence[0].lower() + sentence[1:]
