"""Reports about events that the rate limit refused: a refused event may be a lost page, so an
incident of the service counts them. How a report is stored is in `intake`.

A write for every refusal would make the flood worse. A function reports the first refusal of a
minute, each one more urgent than those before, and then each time the count has doubled; the rest
goes with the next report.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from opsknight.directory.entries import ApiKey, IntegrationKey
from opsknight.directory.rate_limit import LIMIT, Minute
from opsknight.incident.model import OPSKNIGHT, URGENCY, Action, Event, Severity

MOST_TALLIES: Final = 1000


@dataclass(slots=True)
class _Tally:
    minute: Minute
    refused: int = 0
    """In this minute."""
    report_at: int = 1
    """The count that causes the next report. It moves on even if that report fails: a store in
    trouble is spared.
    """
    worst: Severity = Severity.INFO
    pending: Counter[Action] = field(default_factory=Counter)


class Refusals:
    """The events that this function refused and has not reported yet, by key and service."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[str, str], _Tally] = {}

    def note(self, key: IntegrationKey | ApiKey, event: Event, minute: Minute) -> Event | None:
        """Counts a refused event. Returns the event that reports it, if a report is due."""
        counted = (key.id, event.service_id)
        tally = self._tallies.get(counted)
        if tally is None or tally.minute != minute:
            if tally is None and len(self._tallies) >= MOST_TALLIES:
                self._tallies.pop(next(iter(self._tallies)))
            owed = tally if tally and tally.pending else None
            tally = self._tallies[counted] = _Tally(minute)
            if owed:
                tally.pending, tally.worst = owed.pending, owed.worst
        tally.pending[event.action] += 1
        tally.refused += 1
        worse = URGENCY[event.severity].exceeds(URGENCY[tally.worst])
        tally.worst = event.severity if worse else tally.worst
        due = tally.refused >= tally.report_at
        if due:
            tally.report_at = tally.refused * 2 + 1
        if worse or due:
            return _report(key, event.service_id, tally)
        return None

    def left(self, key: IntegrationKey | ApiKey, service_id: str, minute: Minute) -> Event | None:
        """The report still owed for an earlier minute, now that the key is within its limit."""
        tally = self._tallies.get((key.id, service_id))
        if tally is None or tally.minute == minute or not tally.pending:
            return None
        return _report(key, service_id, tally)

    def reported(self, key: IntegrationKey | ApiKey, service_id: str) -> None:
        """Call it when the last report is stored."""
        self._tallies[key.id, service_id].pending.clear()


def _report(key: IntegrationKey | ApiKey, service_id: str, tally: _Tally) -> Event:
    refused = {f"refused_{action}s": tally.pending[action] for action in Action}
    summary = f"Rate limit exceeded: events sent with {key.name!r} are refused"
    # Shown like every dedup key, within the same bounds.
    dedup_key = f"opsknight:rate-limited:{key.name}"[:200].strip()
    body = {
        "event_action": Action.TRIGGER,
        "dedup_key": dedup_key,
        "payload": {
            "summary": summary[:500],
            "source": "opsknight",
            "severity": tally.worst,
            "custom_details": {
                **refused,
                "key": key.name,
                "limit_per_minute": LIMIT,
                "minute_until": tally.minute.end.isoformat(),
            },
        },
    }
    return Event(
        action=Action.TRIGGER,
        service_id=service_id,
        dedup_key=dedup_key,
        summary=summary[:500],
        severity=tally.worst,
        body=json.dumps(body, ensure_ascii=False),
        actor=OPSKNIGHT,
        internal=True,
    )
