"""The way of docs/switching.md, from the first day to the last, and back at each step. The old
system is real HTTP on this machine.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from harness.mirrors import Mirrored
from harness.old_system import OldSystem
from harness.receivers import HttpReceiver, answers, http_receiver
from harness.shell import Shell
from harness.world import World, deadline, http_event
from opsknight.health.findings import Verdict
from opsknight.incident.model import Status
from opsknight.store.configurations import Configurations
from opsknight.store.mirrors import Mirrors
from opsknight_cli.doctor.deployed import Deployed
from opsknight_cli.doctor.of_services import services

FILE = """\
users:
  ada: {{email: ada@example.com, role: ADMIN, name: Ada}}
  ben: {{email: ben@example.com, role: ADMIN, name: Ben}}
teams: {{web: {{members: {{ada: , ben: }}}}}}
policies:
  shop: {{steps: [{{targets: [{{user: {first}}}]}}, {{after: 10m, targets: [{{user: ben}}]}}]}}
services:
  checkout:
    team: web
    policy: shop
    integrations: {{prometheus: Prometheus, deadman: Dead man}}
    {more}
"""


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with http_receiver(answers(202)) as found:
        yield found


class Team:
    """Switches its service by editing its file."""

    def __init__(self, world: World, receiver: HttpReceiver) -> None:
        self.night, self.world = Mirrored(world), world
        self.shell = Shell(world)
        self.old = OldSystem(receiver, world.clock, self._webhook)
        # The address of a mirror begins with https: this one is told to the deployment itself.
        self.url = receiver.url

    def applies(self, more: str = "", first: str = "ada") -> None:
        file = FILE.format(more=more, first=first)
        said = self.shell.opsknight("apply", "-", "--yes", "--prune", "--force", stdin=file)
        assert said.code == 0, said.all
        service = self.world.table.service("svc_checkout", deadline())
        assert service is not None
        self.world.service = service
        if service.mirror is not None:
            self.night.serves(mirror={**service.mirror.model_dump(), "url": self.url})
        self.world.apis.clear()

    def shadows(self, days: int = 20, first: str = "ada") -> None:
        until = f"{self.world.clock() + timedelta(days=days):%Y-%m-%dT%H:%M}Z"
        mirror = "{to: pagerduty, secret: old}"
        self.applies(f'mode: shadow\n    until: "{until}"\n    mirror: {mirror}', first)

    def goes_live(self) -> None:
        """The old system still hears of everything."""
        self.applies("mirror: {to: pagerduty, secret: old}")

    def sends(self, action: str, key: str) -> None:
        self.night.send(action, key)
        self.old.works()
        self.night.settle()

    def reports(self) -> list[dict[str, Any]]:
        said = self.shell.opsknight("shadow", "report", "--since", "2d", "--json")
        assert said.code == 0, said.all
        found: list[dict[str, Any]] = json.loads(said.out)["incidents"]
        return found

    def status(self) -> tuple[int, dict[str, Any]]:
        said = self.shell.opsknight("switch", "status", "--json")
        rows = json.loads(said.out)["integrations"]
        return said.code, {each["integration"]: each for each in rows}

    def incident(self, key: str) -> Status | None:
        pointer = self.world.table.pointer("svc_checkout", key, deadline())
        return pointer.status if pointer else None

    def _webhook(self, body: Any) -> None:
        headers = {"Authorization": f"Token token={self.world.integration_key}"}
        path = "/api/integrations/pagerduty"
        assert self.world.request(http_event(body, path=path, headers=headers)).status == 202


def examined(team: Team) -> Deployed:
    seen = Configurations(team.world.table).read(deadline()).configuration
    return Deployed(
        client=lambda _: None,
        parameters={},
        resources={},
        configuration=seen,
        table=team.world.table,
        stack="opsknight",
        now=team.world.clock(),
        patience=10,
    )


def test_a_simulation_says_who_pages_meanwhile(team: Team) -> None:
    team.shadows()
    payload = {"summary": "CPU", "source": "a", "severity": "critical"}
    body = json.dumps({"event_action": "trigger", "dedup_key": "x", "payload": payload})
    said = " ".join(team.shell.opsknight("simulate", "-", stdin=body).out.split())
    assert "because the service is in shadow until Sun 13 Dec 03:00 UTC" in said
    assert "its shadow ends" in said


@pytest.fixture
def team(world: World, receiver: HttpReceiver) -> Team:
    return Team(world, receiver)


def test_from_the_first_day_to_the_last(team: Team) -> None:
    night, old = team.night, team.old
    # Inventory: what is imported has sent nothing yet.
    team.shadows()
    code, found = team.status()
    assert code == 2
    assert (found["deadman"]["switched"], found["deadman"]["keys"]) == (False, 0)

    # Shadow: the old system pages, people act there, and nobody is paged by us.
    team.sends("trigger", "cpu")
    assert old.paged == [("Ada", "cpu")]
    night.pages().world.clock.advance(minutes=1)
    old.acknowledges("cpu")
    assert team.incident("cpu") is Status.ACKNOWLEDGED
    team.sends("resolve", "cpu")
    assert team.incident("cpu") is None
    assert old.active == {}
    _, found = team.status()
    assert found["prometheus"]["switched"]
    assert found["prometheus"]["mirror"]["waiting"] == 0
    [row] = team.reports()
    assert [each["name"] for each in row["opsknight"]] == ["Ada"]
    assert (row["wouldHave"], row["differences"]) == (True, [])

    # Live: both page, and the old one can be put to sleep.
    team.goes_live()
    team.sends("trigger", "disk")
    night.pages("ada")
    assert old.paged[-1] == ("Ada", "disk")
    # What people do there stops nobody here.
    old.acknowledges("disk")
    assert team.incident("disk") is Status.OPEN
    team.sends("resolve", "disk")
    assert old.active == {}

    # Off: it hears nothing any more.
    team.applies()
    heard = len(old.receiver.requests)
    team.sends("trigger", "memory")
    night.pages("ada")
    assert len(old.receiver.requests) == heard
    team.sends("resolve", "memory")
    night.fallback(0)


def test_and_back_at_each_step(team: Team) -> None:
    night, old = team.night, team.old
    team.goes_live()
    team.sends("trigger", "cpu")
    night.pages("ada")
    # Back into shadow: who is being paged goes on being paged, and the next one is the old one's.
    team.shadows()
    night.wait(minutes=10).pages("ben")
    team.sends("trigger", "disk")
    night.pages()
    assert old.paged == [("Ada", "cpu"), ("Ada", "disk")]
    # Without a shadow, what is active pages within five minutes.
    team.applies()
    night.wait(minutes=5).pages("ada")
    team.sends("resolve", "cpu")
    team.sends("resolve", "disk")


def test_the_report_says_who_would_not_have_been_paged(team: Team) -> None:
    team.shadows(first="ben")
    team.sends("trigger", "cpu")
    [row] = team.reports()
    assert row["differences"] == [
        "Only the old system paged Ada.",
        "Only OpsKnight would have paged Ben.",
    ]
    # Mended in the file, it is a difference no more.
    team.shadows()
    [row] = team.reports()
    assert row["differences"] == []
    said = team.shell.opsknight("shadow", "report").out
    assert "checkout: 1 incident, 0 with a difference" in said
    assert "OpsKnight: Ada +0 min" in said


def test_a_sender_that_was_forgotten_shows(team: Team) -> None:
    team.shadows()
    team.old.active["dead-man"] = 99
    team.old._says("triggered", "dead-man")
    [row] = team.reports()
    assert row["incidentId"] is None
    assert row["differences"] == [
        "Only the old system knows of it: its sender has not been switched."
    ]


def test_an_old_system_that_is_away_is_seen(team: Team, receiver: HttpReceiver) -> None:
    team.shadows()
    receiver.then(answers(503))
    team.night.send("trigger", "cpu")
    team.night.wait(minutes=1)
    _, found = team.status()
    mirror = found["prometheus"]["mirror"]
    assert (mirror["waiting"], mirror["why"]) == (1, "answered 503")
    said = team.shell.opsknight("switch", "status").out
    assert "failing since" in said
    state = Mirrors(team.world.table).state("svc_checkout", deadline())
    assert state
    since = state.failing_since
    assert since
    [finding] = [each for each in services(examined(team)) if "has not taken" in each.said]
    assert (finding.verdict, finding.said) == (
        Verdict.FAILED,
        f"pagerduty has not taken events of checkout since {since:%Y-%m-%d %H:%M} UTC: "
        "answered 503.",
    )
    assert team.reports()[0]["differences"] == ["The old system told nothing of it."]
