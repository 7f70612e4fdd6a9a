"""Monitors that post events all through an upgrade, and repeat what was not taken."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import requests

EVERY: Final = 1.3
"""Seconds between the events of one monitor: far below what its key allows."""
_TRIES: Final = 20
_PATIENCE: Final = 20.0


@dataclass(frozen=True)
class Posted:
    """An event, as its monitor saw it. `at` and `answered` are seconds of one monotonic clock."""

    number: str
    """In the event's details, so that its alert can be told from all others."""
    service: str
    dedup_key: str
    event_action: str
    at: float
    answered: float
    taken: bool
    """Whether it was answered 202, by whichever try."""
    unanswered: int
    """Tries that may have been carried out all the same."""
    result: str = ""
    incident_id: str = ""


@dataclass
class Monitor:
    url: str
    service: str
    key: str
    seed: int
    over: threading.Event
    every: float = EVERY
    posted: list[Posted] = field(default_factory=list)

    def run(self) -> None:
        for number, (dedup_key, action) in enumerate(_plan(self.service, Random(self.seed))):
            if self.over.wait(self.every):
                return
            self.posted.append(self._post(f"{self.service}-{number}", dedup_key, action))

    def _post(self, number: str, dedup_key: str, action: str) -> Posted:
        payload = {
            "summary": f"{dedup_key} is not well",
            "source": "rehearsal",
            "severity": "critical",
            "custom_details": {"number": number},
        }
        body = {"event_action": action, "dedup_key": dedup_key, "payload": payload}
        began, unanswered = time.monotonic(), 0
        for _ in range(_TRIES):
            status, answer = self._once(json.dumps(body))
            if status == 202:
                result = answer["result"]
                incident = result.get("incident", {}).get("id", "")
                return self._seen(
                    number, dedup_key, action, began, True, unanswered, result["action"], incident
                )
            unanswered += status is None or status >= 500
            time.sleep(1)
        return self._seen(number, dedup_key, action, began, False, unanswered)

    def _seen(
        self,
        number: str,
        dedup_key: str,
        action: str,
        began: float,
        taken: bool,
        unanswered: int,
        result: str = "",
        incident_id: str = "",
    ) -> Posted:
        return Posted(
            number,
            self.service,
            dedup_key,
            action,
            began,
            time.monotonic(),
            taken,
            unanswered,
            result,
            incident_id,
        )

    def _once(self, body: str) -> tuple[int | None, dict[str, Any]]:
        headers = {
            "Authorization": f"Token token={self.key}",
            "Content-Type": "application/json",
        }
        try:
            answer = requests.post(
                f"{self.url}/api/events", data=body, headers=headers, timeout=_PATIENCE
            )
            return answer.status_code, answer.json()
        except requests.RequestException:
            return None, {}


def _plan(service: str, chance: Random) -> Iterator[tuple[str, str]]:
    """Problems of every kind, some of them at once: those that last, those that are acknowledged,
    those that pass, and those that come back.
    """
    number, open_keys = 0, list[list[tuple[str, str]]]()
    while True:
        if len(open_keys) < 3:
            key, number = f"{service}-problem-{number}", number + 1
            life = chance.choice(
                (
                    ["trigger"],
                    ["trigger", "trigger", "trigger"],
                    ["trigger", "acknowledge"],
                    ["trigger", "acknowledge", "trigger"],
                    ["trigger", "trigger", "resolve"],
                    ["trigger", "resolve", "resolve", "trigger"],
                    ["trigger", "acknowledge", "resolve", "trigger", "trigger"],
                )
            )
            open_keys.append([(key, action) for action in life])
        chosen = chance.choice(open_keys)
        yield chosen.pop(0)
        if not chosen:
            open_keys.remove(chosen)
