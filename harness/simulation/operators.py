"""Whoever runs the deployment by its HTTP API in a night: applies the configuration, plans
maintenance of later days, and reads the audit log in the morning.

As in `outside`, what they did and were answered is in the journal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from harness.simulation.configuration import Configuration, with_more
from harness.simulation.file import written
from harness.simulation.hub import START
from harness.simulation.journal import Asked, Entry, Log
from harness.simulation.outside import TRIES, Outside
from harness.simulation.web import Answer

ADMIN: Final = "olga"
APPLIED: Final = "apply"
PLANNED: Final = "plan maintenance"
ENDED: Final = "end maintenance"
# Nobody is in such a window in the night.
LATER: Final = timedelta(days=2)
_LONGEST_LIST: Final = "100"
_PLANS: Final = 3


@dataclass(frozen=True, repr=False)
class Operators:
    outside: Outside

    @property
    def configuration(self) -> Configuration:
        return self.outside.configuration

    def change(self) -> None:
        """Adds what nobody uses, and takes it away again."""
        self._apply(written(with_more(self.configuration)))
        self.outside.deployment.hub.sleep(30)
        self._apply(written(self.configuration), prune=True)

    def _apply(self, text: str, *, prune: bool = False) -> None:
        """Whoever is told that it was overtaken plans again, and looks at that."""
        for _ in range(_PLANS):
            body = {"text": text, "prune": prune}
            plan = self._ask(ADMIN, "plan", "", "POST", "/api/configuration/plan", body)
            if plan.status != 200:
                return
            body |= {"revision": plan.body["revision"], "takeOver": True, "force": True}
            applied = self._ask(ADMIN, APPLIED, "", "POST", "/api/configuration/apply", body)
            if applied.status != 409:
                return

    def plan_maintenance(self, who: str, service: str, *, once: bool, ends: bool) -> None:
        """`once`: with an `Idempotency-Key`. `ends`: and thinks better of it."""
        path = f"/api/services/svc_{service}/maintenance"
        begins = START + LATER
        times = {"start": begins, "end": begins + timedelta(hours=1)}
        body = {name: f"{at:%Y-%m-%dT%H:%M:%SZ}" for name, at in times.items()}
        body["reason"] = "A new database"
        headers = {"idempotency-key": f"{who}-{self.outside.deployment.hub.now}"} if once else {}
        asked = self._ask(who, PLANNED, service, "POST", path, body, headers)
        if ends and asked.status == 201:
            self.outside.deployment.hub.sleep(5)
            window = asked.body["maintenance"]["id"]
            self._ask(who, ENDED, service, "DELETE", f"{path}/{window}")

    def read_log(self) -> None:
        """All of it since the night began."""
        entries, cursor = list[Entry](), ""
        while True:
            query = {"from": f"{START + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"}
            query |= {"limit": _LONGEST_LIST} | ({"cursor": cursor} if cursor else {})
            answer = self._read("/api/audit", query)
            if answer.status != 200:
                return
            entries += [_entry(each) for each in answer.json["entries"]]
            cursor = answer.json.get("cursor", "")
            if not cursor:
                break
        planned = {}
        for service in self.configuration.services:
            answer = self._read(f"/api/services/svc_{service.name}/maintenance", {})
            if answer.status != 200:
                return
            starts = [datetime.fromisoformat(it["start"]) for it in answer.json["maintenance"]]
            planned[service.name] = sum(each >= START + LATER for each in starts)
        self.outside.deployment.journal.log = Log(tuple(entries), planned)

    def _read(self, path: str, query: Mapping[str, str]) -> Answer:
        hub = self.outside.deployment.hub
        headers = self._headers(ADMIN)
        for _ in range(TRIES):
            answer = self.outside.deployment.request("GET", path, headers, query=query)
            if answer.status < 500:
                break
            hub.sleep(1.0)
        return answer

    def _ask(
        self,
        who: str,
        what: str,
        service: str,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Asked:
        now = self.outside.deployment.hub.now
        asked = Asked(who, what, "", now, service=service, way="api", sent=dict(headers or {}))
        everything = self._headers(who) | dict(headers or {})
        request = partial(self.outside.deployment.request, method, path, everything, body or {})
        return self.outside.ask(asked, request)

    def _headers(self, who: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.outside.keys[who]}"}


def _entry(shown: Mapping[str, Any]) -> Entry:
    at = datetime.fromisoformat(shown["at"])
    actor = shown["actor"]
    return Entry(
        at=(at - START).total_seconds(),
        kind=shown["kind"],
        who=str(actor.get("userId") or actor["id"]).removeprefix("user_"),
        via=shown["via"],
        about=frozenset(str(each["id"]) for each in shown["things"]),
    )
