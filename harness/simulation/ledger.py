"""The audit log after a night: each act that was answered has one entry, and there is none without
its act.

A part of the judge, under the same rule: it imports nothing of the product.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from harness.simulation.journal import Asked, Entry, Log
from harness.simulation.verdict import CLOCKS, Violation

# It is read from the night's first second on, and what came before by some clock is left out.
READ_FROM: Final = 1.0 + CLOCKS


@dataclass(frozen=True)
class Act:
    """Something that people did, or may have done, and that the log is to say."""

    asked: Asked
    kind: str
    service: str
    """Empty where it is about no service."""
    least: int
    most: int
    """How many entries it may have."""

    def may_be(self, entry: Entry) -> bool:
        ended = self.asked.ended
        return (
            entry.kind == self.kind
            and (not self.service or f"svc_{self.service}" in entry.about)
            and (entry.via == "command_line") == (self.asked.who == "operator")
            and (entry.via == "command_line" or entry.who == self.asked.who)
            and self.asked.began - CLOCKS <= entry.at
            and (ended is None or entry.at <= ended + CLOCKS)
        )


def wrong(asked: Sequence[Asked], log: Log | None) -> Iterator[Violation]:
    if log is None:
        return
    acts = [
        act if each.began > READ_FROM else replace(act, least=0)
        for each in asked
        if (act := _act(each))
    ]
    for entry in log.entries:
        if not any(act.may_be(entry) for act in acts):
            text = f"an entry {entry.kind} by {entry.who}, and nobody did that"
            yield Violation("audit", entry.kind, entry.at, text)
    for group in _groups(acts):
        entries = [each for each in log.entries if any(act.may_be(each) for act in group)]
        least, most = (
            sum(numbers) for numbers in zip(*((it.least, it.most) for it in group), strict=True)
        )
        if not least <= len(entries) <= most:
            first = group[0]
            text = f"{len(entries)} entries {first.kind} {first.service}, not {least} to {most}"
            yield Violation("audit", first.kind, first.asked.began, text)
    for service, planned in log.planned.items():
        mine = [
            each for each in log.entries if each.via == "api" and f"svc_{service}" in each.about
        ]
        said = sum(_COUNTS.get(each.kind, 0) for each in mine)
        if said != planned:
            text = f"{service} has {planned} windows to come, and by the log {said}"
            yield Violation("audit", service, 0.0, text)


_COUNTS = {"maintenance_planned": 1, "maintenance_ended": -1}


def _act(each: Asked) -> Act | None:
    """None for what the log says nothing of."""
    if each.who == "operator":
        return _command(each)
    if each.way != "api":
        return None
    is_done = each.status is not None and each.status < 300
    match each.what:
        case "apply":
            changed = is_done and each.body.get("changed", 0) > 0
            # One that was overtaken may have been so by its own earlier try.
            most = is_done or each.status is None or each.status >= 500 or each.tries > 1
            return Act(each, "configuration_applied", "", int(changed), int(most))
        case "plan maintenance":
            tries = 1 if each.sent else each.tries
            return Act(each, "maintenance_planned", each.service, int(is_done), tries)
        case "end maintenance":
            # The second try finds it ended.
            return Act(each, "maintenance_ended", each.service, int(is_done), 1)
        case _:
            return None


def _command(each: Asked) -> Act | None:
    words, is_done = each.what.split(), each.status == 0
    match words[:2]:
        case ["apply", _]:
            # Where it changes nothing it says nothing.
            return Act(each, "configuration_applied", "", int("Applied" in str(each.body)), 1)
        case ["maintenance", "start"]:
            return Act(each, "maintenance_planned", words[2], int(is_done), 1)
        case ["maintenance", "stop"]:
            return Act(each, "maintenance_ended", words[2], int(is_done), 1)
        case ["hold", "on" | "off" as how]:
            kind = "hold_begun" if how == "on" else "hold_ended"
            return Act(each, kind, "", 0, 1)
        case _:
            return None


def _groups(acts: Sequence[Act]) -> Iterator[list[Act]]:
    """Of acts of one kind that overlap in time nobody knows which an entry is of."""
    groups: dict[tuple[str, str, bool], list[list[Act]]] = {}
    for act in sorted(acts, key=lambda each: each.asked.began):
        mine = groups.setdefault((act.kind, act.service, act.asked.who == "operator"), [])
        last = max((_end(each) for each in mine[-1]), default=0.0) if mine else 0.0
        if mine and act.asked.began <= last + 2 * CLOCKS:
            mine[-1].append(act)
        else:
            mine.append([act])
    for found in groups.values():
        yield from found


def _end(act: Act) -> float:
    return float("inf") if act.asked.ended is None else act.asked.ended
