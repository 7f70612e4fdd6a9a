"""PagerDuty as a team has it: it takes events over HTTP, pages by its own rules, and tells of that
by its webhook.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.receivers import HttpReceiver
from harness.world import Clock


@dataclass
class OldSystem:
    receiver: HttpReceiver
    clock: Clock
    tell: Callable[[Mapping[str, Any]], object]
    """Posts to where its webhook points."""
    pages: str = "Ada"
    """Who is on call there."""
    active: dict[str, int] = field(default_factory=dict)
    """Its incidents by dedup key, with their numbers."""
    paged: list[tuple[str, str]] = field(default_factory=list)
    """Whom it paged, for which key."""
    _read: int = 0
    _numbers: int = 0

    def works(self) -> None:
        """Does what has come since the last time."""
        new = self.receiver.requests[self._read :]
        self._read += len(new)
        for event in (json.loads(each.body) for each in new):
            key = event["dedup_key"]
            match event["event_action"]:
                case "trigger" if key not in self.active:
                    self._numbers += 1
                    self.active[key] = self._numbers
                    self.paged.append((self.pages, key))
                    self._says("triggered", key)
                case "acknowledge" if key in self.active:
                    self._says("acknowledged", key)
                case "resolve" if key in self.active:
                    self._says("resolved", key)
                    del self.active[key]
                case _:
                    pass

    def acknowledges(self, key: str) -> None:
        """Whoever was paged does."""
        self._says("acknowledged", key)

    def resolves(self, key: str) -> None:
        self._says("resolved", key)
        del self.active[key]

    def _says(self, what: str, key: str) -> None:
        person = {"id": "P1", "type": "user_reference", "summary": self.pages}
        data = {"id": f"Q{self.active[key]}", "incident_key": key, "assignees": [person]}
        event = {
            "id": f"{what}-{self.active[key]}",
            "event_type": f"incident.{what}",
            "occurred_at": self.clock().isoformat(),
            "agent": person,
            "data": {**data, "type": "incident", "title": key},
        }
        self.tell({"event": event})
