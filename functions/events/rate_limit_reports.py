"""Reports about events that were refused, over the rate limit or as too large: a refused event may
be a lost page, so an incident of the service counts them. How a report is stored is in `intake`.

A write for every refusal would make the flood worse. A function reports the first refusal of a
minute, each one more urgent than those before, and then each time the count has doubled; the rest
goes with the next report.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import field
from typing import Final

from opsknight.classes import dataclass
from opsknight.directory.entries import ApiKey, IntegrationKey
from opsknight.directory.rate_limit import LIMIT, Minute
from opsknight.incident.event_request import LONGEST_DEDUP_KEY, LONGEST_SUMMARY
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
    return _event(
        f"opsknight:rate-limited:{key.name}",
        f"Rate limit exceeded: events sent with {key.name!r} are refused",
        service_id,
        tally.worst,
        {
            **{f"refused_{action}s": tally.pending[action] for action in Action},
            "key": key.name,
            "limit_per_minute": LIMIT,
            "minute_until": tally.minute.end.isoformat(),
        },
    )


def too_large(key: IntegrationKey | ApiKey, service_id: str, size: int, most: int) -> Event:
    """Nobody has read how bad its events are: it reports as the worst."""
    return _event(
        f"opsknight:too-large:{key.name}",
        f"Too large: events sent with {key.name!r} are refused",
        service_id,
        Severity.CRITICAL,
        {
            "key": key.name,
            "bytes": size,
            "largest": most,
            "what_helps": "Send fewer alerts at once, and at most 1000: Alertmanager has "
            "max_alerts for it, in webhook_configs, and smaller groups by group_by.",
        },
    )


def _event(
    named: str, summary: str, service_id: str, severity: Severity, details: Mapping[str, object]
) -> Event:
    # Shown like every dedup key, within the same bounds.
    dedup_key = named[:LONGEST_DEDUP_KEY].strip()
    summary = summary[:LONGEST_SUMMARY]
    body = {
        "event_action": Action.TRIGGER,
        "dedup_key": dedup_key,
        "payload": {
            "summary": summary,
            "source": "opsknight",
            "severity": severity,
            "custom_details": details,
        },
    }
    return Event(
        action=Action.TRIGGER,
        service_id=service_id,
        dedup_key=dedup_key,
        summary=summary,
        severity=severity,
        body=json.dumps(body, ensure_ascii=False),
        actor=OPSKNIGHT,
        internal=True,
    )
