"""Those who use the deployment in a night: monitors, people who are woken, operators.

They go by HTTP and by the command line, as anybody does, and try again when they are not answered.
What they did and were answered is in the journal, and is what the judge knows of it.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from harness.simulation import providers, twilio
from harness.simulation.configuration import Configuration
from harness.simulation.deployment import Deployment
from harness.simulation.file import written
from harness.simulation.journal import ANSWERED_WITHIN, Asked, Heard
from harness.simulation.machine import ROOT
from harness.simulation.titles import TITLE, name_of
from harness.simulation.weather import CALM
from harness.simulation.web import Answer

SLACK_SECRET: Final = "a-signing-secret"
SCOPES: Final = ("events:write", "incidents:read", "incidents:write", "services:write")
ADMINS_SCOPES: Final = ("configuration:read", "configuration:write", "audit:read", "services:read")
TRIES: Final = 6
CODE: Final = re.compile(r"Reply (\w{3}) (?:to acknowledge|for the first)")
PAUSE: Final = 5.0
# A row of the list behind the link of a message about several.
_ROW: Final = re.compile(r'<a href="([^"]+)"><b[^>]*>(case-\d{4,5})\b')
# What follows it, the message did not tell. The second is how an older version says so.
_BESIDE: Final = re.compile('id="beside"|new since this message')
_OPEN_ROWS: Final = re.compile(r'<li class="row">.*?</li>', re.DOTALL)


@dataclass(frozen=True)
class SetUp:
    """The items in the table before the night, and the keys of monitors and people."""

    items: tuple[Mapping[str, Any], ...]
    monitors: Mapping[str, str]
    keys: Mapping[str, str]


_MADE: Final[dict[tuple[str, Path], SetUp]] = {}


def _set_up(configuration: Configuration, root: Path) -> SetUp:
    which = written(configuration), root
    if which not in _MADE:
        outside = Outside(Deployment("set-up", CALM, root=root), configuration)
        outside.configure()
        items = tuple(outside.deployment.database.tables["Table"].items())
        _MADE[which] = SetUp(items, outside.monitors, outside.keys)
    return _MADE[which]


@dataclass(repr=False)
class Outside:
    deployment: Deployment
    configuration: Configuration
    monitors: dict[str, str] = field(default_factory=dict[str, str])
    """The keys of the integrations, by their names: those of services, and their heartbeats."""
    keys: dict[str, str] = field(default_factory=dict[str, str])
    """The API key of each person."""
    incidents: dict[str, str] = field(default_factory=dict[str, str])
    """Ids by title, as answers told them."""

    def __post_init__(self) -> None:
        self.deployment.parameters["/opsknight/slack-signing-secret"] = SLACK_SECRET
        self.deployment.parameters |= providers.parameters()
        self.deployment.receivers.on_heard = lambda heard: self.at_once(lambda: self.read(heard))

    # Before the night.

    def set_up(self, root: Path = ROOT) -> None:
        """Operators have configured the deployment and made keys: once for all nights of a team.
        `root`: of the tree whose command line they had.
        """
        made = _set_up(self.configuration, root)
        self.monitors, self.keys = dict(made.monitors), dict(made.keys)
        self.deployment.database.load(made.items)

    def configure(self) -> None:
        self._must("apply", "-", "--yes", stdin=written(self.configuration))
        for service in self.configuration.services:
            pulses = [service.pulse.name] if service.pulse else []
            for name in (service.name, *pulses):
                words = ("--service", service.name, "--integration", name, "--json")
                found = self._must("keys", "create", *words)
                self.monitors[name] = json.loads(found)["secret"]
        owners = {each.name: SCOPES for each in self.configuration.people}
        if self.configuration.admin:
            owners[self.configuration.admin] = ADMINS_SCOPES
        for name, allowed in owners.items():
            scopes = [word for scope in allowed for word in ("--scope", scope)]
            found = self._must("keys", "create", "--user", name, *scopes, "--json")
            self.keys[name] = json.loads(found)["secret"]

    def _must(self, *words: str, stdin: str = "") -> str:
        code, out = self.deployment.opsknight(*words, stdin=stdin)
        if code:
            raise RuntimeError(f"opsknight {' '.join(words)}: {out}")
        return out

    # When things happen.

    def at(self, when: float, work: Callable[[], Any]) -> None:
        """`when` in seconds after the night began."""
        self.deployment.hub.at(when, lambda: self.deployment.hub.spawn(work))

    def at_once(self, work: Callable[[], Any]) -> None:
        self.deployment.hub.spawn(work)

    # Monitors.

    def event(
        self,
        action: str,
        service: str,
        key: str,
        title: str,
        severity: str = "critical",
        source: str = "simulation",
    ) -> Asked:
        """`service` is that of the monitor; its routes may send it to another one."""
        body = {
            "event_action": action,
            "dedup_key": key,
            "payload": {"summary": title, "source": source, "severity": severity},
        }
        goal = self.configuration.goal(service, source).name
        headers = {"authorization": f"Token token={self.monitors[service]}"}
        who, now = f"monitor of {service}", self.deployment.hub.now
        asked = self.ask(
            Asked(who, action, title, now, key=key, severity=severity, service=goal),
            lambda: self.deployment.request("POST", "/api/events", headers, body),
        )
        incident = asked.body.get("result", {}).get("incident")
        if incident:
            asked.incident = incident["title"]
            self.incidents[incident["title"]] = incident["id"]
        return asked

    def beat(self, pulse: str) -> Asked:
        """Something says that it lives."""
        return self.ask(
            Asked(f"heartbeat {pulse}", "beat", "", self.deployment.hub.now, key=pulse),
            lambda: self.deployment.request("GET", f"/heartbeat/{self.monitors[pulse]}"),
        )

    # People.

    def by_link(self, who: str, link: str, action: str, title: str) -> Asked:
        """Presses a button on the page behind the link in a message."""
        return self.ask(
            Asked(who, action, title, self.deployment.hub.now, way="link"),
            lambda: self.deployment.request(
                "POST",
                link,
                {"content-type": "application/x-www-form-urlencoded"},
                f"action={action}",
            ),
        )

    def by_list(self, who: str, link: str, action: str, title: str) -> None:
        """Opens the list behind the link of a message about several, and follows its own link to
        one of them.
        """
        page = self.deployment.request("GET", link)
        for href, name in _ROW.findall(page.text):
            if name == name_of(title):
                self.by_link(who, f"{link.rpartition('/')[0]}/{href}", action, title)
                return

    def by_text(self, who: str, number: str, title: str, words: str = "{}") -> Asked | None:
        """Replies with the code that a message to the number showed last for it; None where none
        has. Whoever replies waits for the answer.
        """
        hub, journal = self.deployment.hub, self.deployment.journal
        codes = [
            found[1]
            for each in journal.heard
            if each.to == number and name_of(each.text) == name_of(title)
            for found in CODE.finditer(each.text)
        ]
        if not codes:
            return None
        asked = Asked(who, "acknowledge", title, hub.now, way="text", key=number)
        journal.asked.append(asked)
        since = len(journal.heard)
        self.deployment.text(number, words.format(codes[-1]))
        for _ in range(ANSWERED_WITHIN):
            hub.sleep(1.0)
            for each in journal.heard[since:]:
                if each.to == number and each.answers and name_of(title) in each.text:
                    asked.ended, asked.body = each.at, {"error": each.text}
                    asked.status = 409 if "nothing was done" in each.text else 200
                    break
            if asked.status:
                break
        journal.note(hub.now, f"{who}: replies to {title} by text -> {asked.status}")
        return asked

    def by_key(self, who: str, number: str, title: str, key: str) -> Asked | None:
        """Presses a key in the last call about it; None where none has come."""
        calls = [
            found[0]
            for each in self.deployment.journal.heard
            if each.to == number and name_of(each.text) == name_of(title)
            for found in twilio.KEYS.finditer(each.text)
        ]
        if not calls:
            return None
        form = {"CallSid": f"CA{0:032x}", "To": number, "Digits": key}
        headers, body = twilio.signed(calls[-1], form)
        what = {"4": "acknowledge", "6": "resolve"}[key]
        return self.ask(
            Asked(who, what, title, self.deployment.hub.now, way="call"),
            lambda: self.deployment.request("POST", calls[-1], headers, body),
        )

    def by_button(self, who: str, title: str, action: str) -> Asked:
        """In Slack, where nobody of the team is known: Slack's own name of the person counts."""
        press = {"action_id": action, "value": self.incidents.get(title, "")}
        payload = {"type": "block_actions", "user": {"id": f"U{who}"}, "actions": [press]}
        body = "payload=" + quote(json.dumps(payload))

        def press_it() -> Answer:
            stamp = str(int(self.deployment.hub.time.timestamp()))
            signed = f"v0:{stamp}:{body}".encode()
            made = hmac.new(SLACK_SECRET.encode(), signed, hashlib.sha256).hexdigest()
            headers = {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={made}"}
            return self.deployment.request("POST", "/slack/actions", headers, body)

        return self.ask(Asked(who, action, title, self.deployment.hub.now, way="button"), press_it)

    def by_api(
        self, who: str, title: str, action: str, body: Mapping[str, Any] | None = None
    ) -> Asked:
        path = f"/api/incidents/{self.incidents.get(title, 'inc_none')}/{action}"
        headers = {"authorization": f"Bearer {self.keys[who]}"}
        return self.ask(
            Asked(who, action, title, self.deployment.hub.now, way="api", sent=dict(body or {})),
            lambda: self.deployment.request("POST", path, headers, dict(body or {})),
        )

    def read(self, heard: Heard) -> None:
        """Reads a message. If it is about several incidents, opens its link to see which."""
        heard.titles = frozenset(TITLE.findall(heard.text))
        if not heard.is_about_several or not heard.links:
            return
        for _ in range(TRIES):
            answer = self.deployment.request("GET", heard.links[-1])
            if answer.status == 200:
                rows = _OPEN_ROWS.findall(_BESIDE.split(answer.text, 1)[0])
                heard.titles |= frozenset(TITLE.findall("".join(rows)))
                return
            self.deployment.hub.sleep(PAUSE)

    # Operators.

    def operate(self, *words: str, stdin: str = "") -> int:
        began = self.deployment.hub.now
        code, out = self.deployment.opsknight(*words, stdin=stdin)
        self.deployment.journal.note(
            self.deployment.hub.now, f"operator: {' '.join(words)} -> {code}: {out.strip()[-80:]}"
        )
        asked = Asked("operator", " ".join(words), "", began, self.deployment.hub.now, code)
        asked.body = {"said": out}
        self.deployment.journal.asked.append(asked)
        return code

    def ask(self, asked: Asked, request: Callable[[], Answer]) -> Asked:
        hub, journal = self.deployment.hub, self.deployment.journal
        journal.asked.append(asked)
        for _ in range(TRIES):
            asked.tries += 1
            answer = request()
            asked.ended, asked.status, asked.body = hub.now, answer.status, answer.json
            asked.broke |= answer.status == 500 and "error" in answer.json
            if answer.status < 500 and answer.status != 429:
                break
            hub.sleep(PAUSE)
        said = asked.body.get("result", {}).get("action", asked.body.get("error", ""))
        journal.note(
            hub.now,
            f"{asked.who}: {asked.what} {asked.about} by {asked.way} -> {asked.status} {said}",
        )
        return asked
