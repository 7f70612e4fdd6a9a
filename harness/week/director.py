"""Plays the week: sends what monitors send, and lets people act on what reached them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any, Final

from harness.desk import Desk
from harness.dynamodb import ROOT
from harness.processes import reports
from harness.shell import Shell
from harness.week.scenes import ROLLOUTS, RUNBOOKS, SCENES, Scene
from harness.week.stage import DAYS, Quick, company, figure
from harness.world import World, deadline, http_event
from notify.channels.protocol import PermanentFailure
from opsknight.directory.entries import SCOPES
from opsknight.directory.receivers import Channel
from opsknight.escalation.pages import Page
from opsknight.notification.delivery import Delivery, Report, State
from opsknight.runtime.wakeups import MessageReported
from opsknight.store.wire import plain

EXAMPLE: Final = ROOT / "examples" / "realistic.yaml"
_VISIT: Final = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
# Those whose providers say later what became of a message.
_REPORTING: Final = frozenset({Channel.SMS, Channel.EMAIL, Channel.VOICE})
_MINUTE: Final = timedelta(minutes=1)


@dataclass
class Director:
    world: World
    end: datetime
    scenes: tuple[Scene, ...] = SCENES
    people: tuple[str, ...] = ("ada", "bruno", "chloe", "dan", "elena", "farid", "grace")
    pipeline: Quick = field(init=False)
    desk: Desk = field(init=False)
    _keys: dict[tuple[str, str], str] = field(default_factory=dict)
    _api_keys: dict[str, str] = field(default_factory=dict)
    _agenda: list[tuple[datetime, int, Callable[[], object]]] = field(default_factory=list)
    _order: "count[int]" = field(default_factory=count)
    _reported: int = 0

    def __post_init__(self) -> None:
        self.shell = Shell(self.world)
        self._opsknight("apply", EXAMPLE, "--yes")
        self.pipeline = Quick(self.world)
        self.desk = Desk(self.world)
        for name in self.people:
            self._api_keys[name] = self.desk.key(name, *SCOPES)
        self.pipeline.listener.answer("audit", [PermanentFailure("HTTP 403: signature is wrong")])

    def play(self) -> None:
        for scene in self.scenes:
            for number, at in enumerate(scene.begins(self.end)):
                self._plan(scene, at, number)
        self._plan_operations()
        for at, _, act in sorted(self._agenda, key=lambda each: each[:2]):
            if at >= self.end:
                continue
            self._wait(at)
            act()
            self.pipeline.settle()
        self._wait(self.end)
        self._report()
        figure(self.world, self.end - timedelta(days=DAYS))

    def _wait(self, until: datetime) -> None:
        if until > self.world.clock.at:
            self.pipeline.wait(seconds=(until - self.world.clock.at).total_seconds())

    def _at(self, at: datetime, act: Callable[[], object]) -> None:
        self._agenda.append((at, next(self._order), act))

    def _plan(self, scene: Scene, at: datetime, number: int) -> None:
        key = f"{scene.service}/{scene.title}" if scene.days else f"{scene.title} {number}"
        for each in range(scene.alerts):
            self._at(at + 2 * each * _MINUTE, partial(self._trigger, scene, key))
        if scene.seen is not None:
            self._at(at + scene.seen * _MINUTE, partial(self._see, scene, key))
            for place, note in enumerate(scene.notes):
                said = partial(self._note, scene, key, note, public=False)
                self._at(at + (scene.seen + 2 + 10 * place) * _MINUTE, said)
        if scene.over is not None:
            self._at(at + scene.over * _MINUTE, partial(self._end, scene, key))

    def _plan_operations(self) -> None:
        midnight = self.end.replace(hour=0, minute=0, second=0, microsecond=0)
        for rollout in ROLLOUTS:
            hour, minute = map(int, (rollout.at or "00:00").split(":"))
            at = midnight - timedelta(days=rollout.day, hours=-hour, minutes=-minute)
            if rollout.ago:
                at = self.end - rollout.ago * _MINUTE
            self._at(at, partial(self._roll_out, rollout.service, rollout.summary))
        for day in range(DAYS + 1):
            morning = midnight - timedelta(days=day)
            self._at(
                morning + timedelta(hours=2, minutes=7), lambda: self._beat("database", "backup")
            )
            self._at(morning + timedelta(hours=9), lambda: self._beat("warehouse", "dbt", "/start"))
            self._at(
                morning + timedelta(hours=9, minutes=31), lambda: self._beat("warehouse", "dbt")
            )
        # Airflow was heard until its host was moved.
        self._at(self.end - timedelta(hours=30), lambda: self._beat("reports", "airflow"))
        # Something else is heard: it is not the deployment that is deaf.
        heard = self.end - timedelta(hours=30) + timedelta(hours=26, minutes=1)
        self._at(heard, lambda: self._beat("database", "backup", "/log"))
        self._at(self.end - timedelta(hours=20), self._override)
        self._at(self.end - timedelta(minutes=90), self._maintenance)

    # What monitors do.

    def _trigger(self, scene: Scene, key: str) -> None:
        details: dict[str, Any] = dict(scene.details)
        payload = {
            "summary": scene.title,
            "source": scene.source or scene.service,
            "severity": scene.severity,
            "custom_details": details,
        }
        body: dict[str, Any] = {"event_action": "trigger", "dedup_key": key, "payload": payload}
        if scene.runbook:
            body["links"] = [{"href": f"{RUNBOOKS}{scene.runbook}", "text": "Runbook"}]
        self._sends(body, scene)

    def _sends(self, body: dict[str, Any], scene: Scene) -> None:
        answer = self.world.send(body, key=self._key(scene.service, scene.integration))
        assert answer.status == 202, answer

    def _roll_out(self, service: str, summary: str) -> None:
        key = self._key(service, "cloudwatch" if service == "database" else "prometheus")
        payload = {
            "summary": summary,
            "source": "pipeline",
            "timestamp": self.world.clock.at.isoformat(),
        }
        body = {"routing_key": key, "payload": payload}
        answer = self.world.request(http_event(body, path="/v2/change/enqueue"))
        assert answer.status == 202, answer

    def _beat(self, service: str, integration: str, how: str = "") -> None:
        key = self._key(service, integration)
        answer = self.world.request(http_event(path=f"/heartbeat/{key}{how}", method="GET"))
        assert answer.status == 200, answer

    def _key(self, service: str, integration: str) -> str:
        """Every one lies in the tables of this process alone."""
        if (service, integration) not in self._keys:
            words = ("keys", "create", "--service", service, "--integration", integration)
            self._keys[service, integration] = self._opsknight(*words)["secret"]
        return self._keys[service, integration]

    # What people do.

    def _see(self, scene: Scene, key: str) -> None:
        incident_id = self._incident(scene, key)
        if incident_id is None:
            return
        name = self._last_paged(incident_id) or "ada"
        delivery = self._told(incident_id, name) if scene.by_link else None
        if delivery is not None:
            link = self.desk.path(delivery)
            self.desk.send(http_event(path=link, method="GET", headers=_VISIT))
            self.desk.press(link, "acknowledge")
        else:
            self._acts(name, incident_id, "acknowledge")
        if scene.snoozed:
            self._acts(name, incident_id, "snooze", {"minutes": scene.snoozed})
        if scene.handed_to:
            self._acts(name, incident_id, "reassign", {"userId": f"user_{scene.handed_to}"})
        if scene.post is not None:
            title, text, state = scene.post
            post = {"title": title, "text": text, "incidentId": incident_id}
            post["services"] = {f"svc_{scene.service}": state}  # type: ignore[assignment]
            self._calls(name, "/api/status-pages/page_public/posts", post)

    def _note(self, scene: Scene, key: str, text: str, *, public: bool) -> None:
        if (incident_id := self._incident(scene, key)) is not None:
            name = self._last_paged(incident_id) or "ada"
            self._acts(name, incident_id, "notes", {"text": text, "public": public})

    def _end(self, scene: Scene, key: str) -> None:
        incident_id = self._incident(scene, key)
        if incident_id is None:
            return
        name = self._last_paged(incident_id) or "ada"
        if scene.posted_end:
            found = self.desk.call(
                "GET", "/api/status-pages/page_public/posts", key=self._api_keys[name]
            )
            mine = next(each for each in found.body["posts"] if each["incidentId"] == incident_id)
            update = {"text": scene.posted_end, "phase": "resolved"}
            self._calls(name, f"/api/status-pages/page_public/posts/{mine['id']}/updates", update)
        if scene.by_hand:
            self._acts(name, incident_id, "resolve")
        else:
            self._sends(
                {
                    "event_action": "resolve",
                    "dedup_key": key,
                    "payload": {
                        "summary": scene.title,
                        "source": scene.source or scene.service,
                        "severity": scene.severity,
                    },
                },
                scene,
            )

    def _override(self) -> None:
        begin = self.end + timedelta(hours=26)
        body = {
            "userId": "user_ada",
            "start": begin.isoformat(),
            "end": (begin + timedelta(hours=6)).isoformat(),
        }
        self._calls("ada", "/api/schedules/sch_follow-the-sun/overrides", body)

    def _maintenance(self) -> None:
        now = self.end
        window = {
            "end": (now + timedelta(hours=3)).isoformat(),
            "reason": "Airflow moves to a new host",
        }
        self._calls("farid", "/api/services/svc_reports/maintenance", window)
        begin = now + timedelta(days=2)
        planned = {
            "start": begin.isoformat(),
            "end": (begin + timedelta(hours=1)).isoformat(),
            "reason": "orders-db goes to a larger machine",
        }
        self._calls("ada", "/api/services/svc_database/maintenance", planned)
        post = {
            "title": "A larger database",
            "text": "The shop can be slow for some minutes while its database moves.",
            "services": {"svc_checkout": "maintenance"},
            "startsAt": begin.isoformat(),
            "endsAt": (begin + timedelta(hours=1)).isoformat(),
        }
        self._calls("ada", "/api/status-pages/page_public/posts", post)

    def _acts(self, name: str, incident_id: str, act: str, body: object = None) -> None:
        self._calls(name, f"/api/incidents/{incident_id}/{act}", body)

    def _calls(self, name: str, path: str, body: object) -> None:
        answer = self.desk.call("POST", path, body, key=self._api_keys[name])
        assert answer.status < 300, (path, answer)

    # What there is.

    def _incident(self, scene: Scene, key: str) -> str | None:
        pointer = self.world.table.pointer(f"svc_{scene.service}", key, deadline())
        return pointer.id if pointer else None

    def _last_paged(self, incident_id: str) -> str:
        mine = [Page.model_validate(plain(each)) for each in self._parts(incident_id, "page")]
        last = max(mine, key=lambda page: (page.page_no, page.user_id), default=None)
        return last.user_id.removeprefix("user_") if last else ""

    def _parts(self, incident_id: str, kind: str) -> list[dict[str, Any]]:
        pk = f"incident#{incident_id}"
        items = self.world.items()
        return [each for each in items if each["pk"]["S"] == pk and each["kind"]["S"] == kind]

    def _told(self, incident_id: str, name: str) -> Delivery | None:
        """The last message that reached them."""
        self._report()
        mine = (
            Delivery.model_validate(plain(each)) for each in self._parts(incident_id, "delivery")
        )
        sent = [
            each for each in mine if each.user_id == f"user_{name}" and each.state is State.SENT
        ]
        return max(sent, key=lambda each: each.not_before, default=None)

    def _report(self) -> None:
        """Providers say what became of their messages."""
        heard = self.pipeline.listener.heard
        for number in range(self._reported, len(heard)):
            if heard[number].receiver.channel in _REPORTING:
                told = MessageReported(f"provider-{number + 1}", Report.DELIVERED, "delivered")
                reports(self.pipeline.sending).settle(told, deadline())
        self._reported = len(heard)

    def _opsknight(self, *words: Any) -> Any:
        said = self.shell.opsknight(*words, "--json")
        assert said.code == 0, said.all
        return json.loads(said.out)


def played(endpoint: str, end: datetime, scenes: tuple[Scene, ...] = SCENES) -> Director:
    """The week, after its end."""
    director = Director(company(endpoint, end), end, scenes)
    director.play()
    return director
