"""Scenes on a terminal: tools, their payloads, and where routes send them."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from harness.world import deadline
from opsknight.analytics.days import Day, KeyDay, PersonDay
from opsknight.integrations.aws import Told
from opsknight.integrations.aws_shapes import read
from opsknight.store.analytics import Analytics, Progress
from opsknight.store.heartbeats import Heartbeats
from opsknight.store.unmatched import UnmatchedRows
from tests.integration.play import Play, small

PAYLOADS: Final = Path(__file__).parents[1] / "presets"
OWN: Final = """
presets:
  legacy:
    name: Legacy monitor
    events: body.checks
    action: {value: item.state, trigger: [crit, warn], resolve: [ok], ignore: [unknown]}
    dedup_key: key('legacy', item.check, item.host)
    summary: joined(' on ', item.check, item.host)
    source: item.host
    severity: {value: item.state, critical: [crit], warning: [warn]}
    links: [{href: item.graph, text: Graph}]
    setup: ["Let it POST to {url} with the header `X-API-Key: {key}`."]
"""
ROUTED: Final = """\
      company:
        name: Company
        default: checkout
        routes:
          - {name: noise, when: "payload.severity == 'info'", drop: true}
          - name: database
            when: payload.source == 'db-1'
            service: checkout
            severity: critical
            group: key('db', payload.source)
            page_after: {time: 5m, alerts: 3}
"""
LEGACY: Final = """{"checks": [
  {"check": "disk", "host": "db-1", "state": "warn", "graph": "https://graphs.example.com/1"},
  {"check": "load", "host": "web-1", "state": "ok"},
  {"check": "load", "host": "web-2", "state": "unknown"},
  {"host": "web-3", "state": "ok"}
]}"""


def routed() -> str:
    mark = "      monitoring: Monitoring\n"
    assert mark in small()
    return small().replace(mark, mark + ROUTED) + OWN


BEATING: Final = """\
      backup:
        name: Nightly backup
        heartbeat: {cron: "30 2 * * *", zone: Europe/Berlin, grace: 30m, runs_at_most: 2h}
      site: {name: Site of Berlin, heartbeat: {every: 5m}}
      till: {name: Till 7, heartbeat: {every: 1h, severity: error}}
"""


def heartbeats(play: Play) -> None:
    mark = "      monitoring: Monitoring\n"
    play.types("apply", "-", "--yes", "--json", stdin=small())
    play.forget()
    play.types("heartbeats", "list")
    play.types("apply", "-", "--yes", "--json", stdin=small().replace(mark, mark + BEATING))
    play.forget_last()
    world = play.shell.world
    rows, now = Heartbeats(world.table), world.clock()
    for name, ago in (("site", timedelta(minutes=2)), ("backup", timedelta(hours=1))):
        found = world.table.integration("svc_checkout", f"int_{name}", deadline())
        assert found is not None
        assert found.heartbeat is not None
        rows.beat("svc_checkout", found.id, found.heartbeat, now - ago, deadline())
    rows.fail("svc_checkout", "int_backup", "exit code 3", now, deadline())
    play.types("heartbeats", "list")
    play.types("heartbeats", "list", "--service", "checkout", "--json")
    play.types("heartbeats", "show", "checkout", "backup")
    play.types("heartbeats", "show", "checkout", "bakcup", code=1)
    play.types("heartbeats", "list", "--service", "chekout", code=1)


def integrations(play: Play) -> None:
    play.types("apply", "-", "--yes", "--json", stdin=routed())
    play.forget()
    play.types("integrations", "list")
    play.types("integrations", "show", "github")
    play.types("integrations", "show", "legacy")
    play.types("integrations", "show", "gthub", code=1)
    payload = json.loads((PAYLOADS / "github" / "fires.json").read_text())["body"]
    play.types("integrations", "test", "github", "-", stdin=json.dumps(payload))
    header = ("--header", "X-GitHub-Event: workflow_run")
    play.types("integrations", "test", "github", "-", *header, stdin=json.dumps(payload))
    play.types("integrations", "test", "legacy", "-", stdin=LEGACY)
    company = ("--service", "checkout", "--integration", "company")
    play.types("integrations", "test", "legacy", "-", *company, stdin=LEGACY)
    play.types("integrations", "test", "legacy", "-", "--header", "nothing", stdin="{}", code=64)
    play.types("integrations", "test", "legacy", "-", stdin="{", code=1)
    play.types("plan", "-", stdin=routed())
    bare = "      company: Company\n"
    play.types("plan", "-", stdin=routed().replace(ROUTED, bare), code=2)
    wrong = routed().replace("payload.source == 'db-1'", "payload.source = 'db-1'")
    play.types("validate", "-", stdin=wrong.replace("item.host\n", "itm(host)\n"), code=1)
    event = json.dumps(
        {
            "event_action": "trigger",
            "dedup_key": "disk",
            "payload": {"summary": "Disk is full", "source": "db-1", "severity": "warning"},
        }
    )
    play.types("simulate", "-", *company, stdin=event)
    play.types("simulate", "-", *company, stdin=event.replace("warning", "info"))
    play.types("simulate", "-", "--integration", "company", stdin=event, code=64)


RULES: Final = """
aws:
  rules:
    - {name: "Server*", service: checkout, severity: warning}
    - {source: [health, guardduty], account: "123456789012", service: checkout}
    - {name: nightly, ignore: true}
"""
WRONG: Final = """
aws:
  rules:
    - {service: checkout}
    - {name: x, service: chekout}
    - {account: 111122223333, service: checkout}
    - {name: x}
    - {name: x, ignore: true, service: checkout}
    - {region: Frankfurt, service: checkout}
    - {source: lambda, service: checkout}
  defualt: checkout
"""


def aws(play: Play) -> None:
    """Events of AWS: rules, what becomes of one, and what pages nobody."""
    play.types("validate", "-", stdin=small() + WRONG, code=1)
    play.types("validate", "-", stdin=small() + "aws: [x]\n", code=1)
    play.types("apply", "-", "--yes", stdin=small() + RULES)
    play.types("plan", "-", stdin=small() + RULES + "  default: checkout\n", code=2)
    for case in ("cloudwatch-fires", "batch-fails", "step-functions-fails", "cloudwatch-no-data"):
        event = json.loads((PAYLOADS.with_name("aws") / f"{case}.json").read_text())["event"]
        play.types("integrations", "test", "aws", "-", stdin=json.dumps(event))
        play.types("simulate", "-", "--aws", stdin=json.dumps(event), code=case.endswith("no-data"))
    play.types("simulate", "-", "--aws", "--service", "checkout", stdin="{}", code=64)
    play.types("aws", "alarms")
    world = play.shell.world
    for case in ("step-functions-fails", "cloudwatch-composite-fires", "step-functions-fails"):
        event = json.loads((PAYLOADS.with_name("aws") / f"{case}.json").read_text())["event"]
        told = read(event, world.clock())
        assert isinstance(told, Told)
        UnmatchedRows(world.table).note(told, world.clock() - timedelta(hours=3), deadline())
    play.types("aws", "alarms")
    play.types("aws", "alarms", "--json")


def audit(play: Play) -> None:
    play.types("apply", "-", "--yes", "--json", stdin=small())
    play.forget_last()
    play.types("audit")
    world = play.shell.world
    world.clock.advance(minutes=10)
    play.shell.opsknight("hold", "on", "--for", "15m", "--reason", "Rules change")
    world.clock.advance(minutes=20)
    play.shell.opsknight("maintenance", "start", "checkout", "--for", "2h", "--reason", "disks")
    play.types("audit", "--from", "15m")
    play.types("audit", "--kind", "hold_begun", "--limit", "1")
    play.types("audit", "--kind", "hold_began", code=1)
    play.types("audit", "--actor", "ada")
    play.types("audit", "--from", "2h", "--until", "3h", code=64)


def analytics(play: Play) -> None:
    play.types("apply", "-", "--yes", "--json", stdin=small())
    play.forget_last()
    play.types("analytics")
    table, day = play.shell.world.table, date(2026, 11, 20)
    ada = PersonDay(pages={3: 2, 15: 1}, answered={140: 2})
    disk = KeyDay(title="Disk of db-1 is full", incidents=2, alerts=9)
    found = Day(
        service_id="svc_checkout",
        day=day,
        incidents=3,
        alerts=10,
        paging=3,
        in_time=2,
        acknowledged={140: 1, 410: 1},
        resolved={95: 1, 4150: 1, 200_000: 1},
        people={"user_ada": ada},
        keys={"disk": disk},
    )
    rows = Analytics(table)
    rows.put_day(found, deadline())
    rows.advance(None, Progress(day=date(2026, 11, 22)), deadline())
    play.types("analytics")
    play.types("analytics", "--by", "person", "--from", "2026-11-16")
    play.types("analytics", "--by", "key", "--to", "2026-11-21", "--team", "shop")
    play.types("analytics", "--csv")
    play.types("analytics", "--service", "chekout", code=1)
    play.types("analytics", "--from", "last week", code=64)
