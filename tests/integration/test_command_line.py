"""Every sentence that an operator reads, as a terminal of 80 and of 120 columns shows it.

The expected output is in tests/golden/cli. With GOLDEN=write in the environment, this module writes
it again: look at the changes before you commit them.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.account import Refusal, Scripted
from harness.dynamodb import make_table
from harness.pipeline import Pipeline
from harness.post import PAGES
from harness.shell import Said, Shell
from harness.world import build, event
from notify.channels.protocol import PermanentFailure, Sent, TemporaryFailure
from opsknight.runtime.queues import Queue

GOLDEN = Path(__file__).parent.parent / "golden" / "cli"
EXAMPLES = Path(__file__).parents[2] / "examples"
_SECRETS = re.compile(r"\b[0-9a-f]{32}\b|opsk_[0-9A-Za-z_-]{43}")

type Scene = Callable[["Play"], None]


class Play:
    """A shell whose commands and answers are written down."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.lines: list[str] = []

    def types(self, *words: str, stdin: str = "", code: int = 0) -> Said:
        typed = " ".join(f"'{word}'" if re.search(r"[ <{]", word) else word for word in words)
        self.lines.append(f"$ opsknight {typed}\n")
        said = self.shell.opsknight(*words, stdin=stdin)
        self.lines.append(_SECRETS.sub("<secret>", said.all))
        self.lines.append(f"[exit code {said.code}]\n\n")
        assert said.code == code, said.all
        return said

    def goes_by(self, **time: float) -> None:
        self.shell.world.clock.advance(**time)
        what = " ".join(f"{count:g} {unit}" for unit, count in time.items())
        self.lines.append(f"# {what} later\n\n")


BAD = """\
servics: {}
users:
  ada: {email: ada, role: admin, zone: Europe/Brlin}
  ben:
    role: USER
    emial: ben@example.com
    contact_methods:
      phone: {channel: sms}
      chat: {channel: slack, to: C1, secret: xoxb-1 2}
      page: {channel: smoke}
      old: {channel: discord, to: C1, secret: /discord}
      next: {channel: ntfy, to: ntfy.sh/ben, next_secret: /b}
    rules:
      high: []
      LOW: [{method: phone, after: 2d}]
teams:
  a: {members: {adda: , ben: {led: true}}}
  a: {}
schedules:
  s:
    zone: UTC
    layers:
      one:
        users: [ada, carl]
        turn: weekly
        handoff: 9
        start: 2026-13-01
        priority: "1"
        restrictions: [{start: "09:00", end: "9am", days: [monday]}]
  t: {zone: UTC, layers: {one: {users: [adaa], turn: 1w, handoff: "9:75", start: 2026-01-05}}}
policies:
  p: {steps: [{targets: [{schedule: r}, {usr: ada}]}, {after: 8d, targets: []}], repeat: 11}
  q: {steps: [{targets: [{schedule: r}]}], repeat: true}
  r: {steps: []}
services:
  X Y: {team: a}
  z: {team: b, policy: qq, integrations: [x], raises_urgency: "yes", name: 5}
status_pages: [public]
"""
NIGHTLY = """\
users:
  ada: {email: ada@example.com, role: ADMIN}
  ben: {email: ben@example.com, role: RESPONDER, disabled: true}
teams:
  web: {members: {ada: , ben: {lead: true}}}
  nobody: {members: {ada: {pages: false}}}
schedules:
  office:
    zone: Europe/London
    layers:
      days:
        users: [ada, ben]
        turn: 1d
        handoff: "09:00"
        start: 2026-01-05
        restrictions: [{start: "09:00", end: "17:00"}]
  empty: {zone: UTC, layers: {}}
policies:
  late: {steps: [{targets: [{team_leads: web}]}, {after: 5m, targets: [{schedule: office}]}]}
  never: {steps: [{targets: [{schedule: empty}, {user: ben}]}]}
services:
  shop: {team: web}
  attic: {team: nobody}
"""


def small() -> str:
    return (EXAMPLES / "small.yaml").read_text()


def validate_says_all_that_is_wrong(play: Play) -> None:
    play.types("validate", "-", stdin=BAD, code=1)
    play.types("validate", "-", stdin="services: [a", code=1)
    play.types("validate", "-", stdin="- a\n", code=1)
    play.types("validate", "nowhere.yaml", code=1)


def validate_looks_ahead(play: Play) -> None:
    play.types("validate", "-", stdin=NIGHTLY, code=1)
    mended = NIGHTLY.replace("{schedule: empty}", "{user: ada}").replace(
        "team: nobody", "team: web"
    )
    play.types("validate", "-", stdin=mended)
    play.types("validate", "-", "--strict", stdin=mended, code=1)


def apply_from_nothing_and_change(play: Play) -> None:
    play.types("plan", "-", stdin=small(), code=2)
    play.types("apply", "-", stdin=small(), code=1)
    play.types("apply", "-", "--yes", stdin=small())
    play.types("plan", "-", stdin=small())
    # A member who took no pages takes them.
    quiet = small().replace("      ben:\n", "      ben: {pages: false}\n")
    play.types("plan", "-", stdin=quiet, code=2)
    changed = (
        small()
        .replace("      ben:\n", "")
        .replace("repeat: 2", "repeat: 3")
        .replace("    auto_resolve: 1d", "    raises_urgency: true")
        .replace("users: [ada, ben]", "users: [ada]")
        .replace("      monitoring: Monitoring", "      prometheus: Prometheus")
        .replace("        - {method: call, after: 3m}\n", "")
    )
    play.types("plan", "-", stdin=changed, code=2)
    play.types("apply", "-", "--yes", "--prune", stdin=changed)
    play.types("export")


def prune_and_what_keeps_it(play: Play) -> None:
    play.types("apply", "-", "--yes", stdin=small())
    said = play.types("keys", "create", "--service", "checkout", "--integration", "monitoring")
    [secret] = _SECRETS.findall(said.out)[:1]
    play.shell.world.send(event(), key=secret)
    del play.lines[:]
    one = "users: {ada: {email: ada@example.com, role: ADMIN}}\n"
    incident = play.types("plan", "-", "--prune", stdin=one, code=2)
    [found] = set(re.findall(r"inc_[0-9a-f]+", incident.out))
    play.lines = [line.replace(found, "inc_" + "0" * 28) for line in play.lines]
    play.shell.world.send(event("resolve"), key=secret)
    play.types("apply", "-", "--prune", "--yes", stdin=one)


def keys(play: Play) -> None:
    play.types("keys", "list")
    play.types("apply", "-", "--yes", "--json", stdin=small())
    del play.lines[-3:]
    play.types("keys", "create", "--service", "checkout", "--integration", "monitoring")
    play.types("keys", "create", "--user", "ben", "--name", "CI", "--scope", "incidents:read")
    play.types("keys", "create", code=64)
    play.types("keys", "create", "--service", "chekout", "--integration", "x", code=1)
    play.types("keys", "create", "--service", "checkout", "--integration", "monitor", code=1)
    play.types("keys", "create", "--user", "bn", code=1)
    play.types("keys", "create", "--user", "ben", "--scope", "incident:read", code=1)
    listed = play.types("keys", "list")
    first, second = re.findall(r"key_\d+", listed.out)
    play.types("keys", "rotate", first, "--overlap", "2h")
    play.goes_by(hours=1)
    play.types("keys", "list")
    play.types("keys", "rotate", second, "--overlap", "soon", code=64)
    play.types("keys", "revoke", second)
    play.types("keys", "revoke", second, code=1)
    play.types("keys", "rotate", second, code=1)
    play.types("keys", "revoke", "key_nine", code=1)
    play.goes_by(hours=2)
    play.types("keys", "list", "--service", "checkout")
    play.types("keys", "list", "--user", "ben", "--json")


def a_key_in_use(play: Play) -> None:
    play.types("apply", "-", "--yes", "--json", stdin=small())
    said = play.types("keys", "create", "--user", "ben", "--name", "Jenkins")
    [secret] = _SECRETS.findall(said.out)
    world = play.shell.world
    world.send(event("resolve", service_id="svc_checkout"), key=secret)
    world.apis[0].intake.beside.shutdown()
    world.apis.clear()
    del play.lines[:]
    disabled = small().replace("role: RESPONDER", "role: RESPONDER\n    disabled: true")
    play.types("apply", "-", "--yes", stdin=disabled, code=1)
    play.types("apply", "-", "--yes", "--force", stdin=disabled)


def on_call(play: Play) -> None:
    play.types("oncall")
    play.types("apply", "-", "--yes", "--json", stdin=(EXAMPLES / "realistic.yaml").read_text())
    del play.lines[-3:]
    play.types("oncall")
    play.types("oncall", "--at", "2026-12-24 18:00", "--schedule", "follow-the-sun")
    play.types("oncall", "--at", "tomorrow", code=64)
    play.types("oncall", "--at", "9999-12-31", code=64)
    play.types("oncall", "--schedule", "follow-the-son", code=1)
    play.types("override", "list")
    said = play.types("override", "add", "follow-the-sun", "grace", "--for", "8h")
    [override] = set(re.findall(r"ovr_\d+", said.out))
    more = ["--from", "2026-11-24 07:00", "--until", "2026-11-24 15:00", "--replaces", "ada"]
    play.types("override", "add", "follow-the-sun", "elena", *more)
    play.types("override", "list")
    play.types("oncall")
    play.types("override", "add", "follow-the-sun", "gracy", "--for", "8h", code=1)
    play.types("override", "add", "follow-the-sun", "grace", code=64)
    play.types("override", "add", "follow-the-sun", "grace", "--until", "9999-12-31", code=64)
    play.types("override", "add", "follow-the-sun", "grace", "--until", "2026-01-01", code=1)
    play.types(
        "override", "add", "follow-the-sun", "ada", "--for", "1h", "--replaces", "ada", code=1
    )
    play.types("override", "remove", "follow-the-sun", override)
    play.types("override", "remove", "follow-the-sun", override, code=1)
    play.types("oncall", "--schedule", "follow-the-sun", "--json")


def maintenance(play: Play) -> None:
    play.types("apply", "-", "--yes", "--json", stdin=small())
    del play.lines[:]
    play.types("maintenance", "list")
    play.types("maintenance", "start", "checkout", "--for", "2h", "--reason", "New database")
    later = ["--from", "+1d", "--for", "30m", "--reason", "Certificates", "--stay"]
    play.types("maintenance", "start", "checkout", *later)
    play.types("maintenance", "list")
    play.types("maintenance", "start", "chekout", "--for", "2h", "--reason", "x", code=1)
    play.types("maintenance", "start", "checkout", "--for", "0m", "--reason", "x", code=64)
    play.types("maintenance", "start", "checkout", "--for", "9999999d", "--reason", "x", code=64)
    play.types("maintenance", "stop", "checkout")
    play.types("maintenance", "stop", "checkout", code=1)
    play.types("maintenance", "stop", "checkout", "mw_1", code=1)
    play.types("maintenance", "list", "--json")


class Night:
    def __init__(self, shell: Shell, secret: str) -> None:
        # Queues bring all that these scenes show; ticks would only look.
        self.pipeline = Pipeline(shell.world, ticking=False)
        self._secret = secret
        shell.pages = Queue(self.pipeline.post.sqs(), PAGES)
        shell.sleep = lambda seconds: self.goes_by(seconds=seconds)

    def event(self, action: str, dedup_key: str, summary: str, **more: Any) -> str:
        payload = {"summary": summary} | more.pop("payload", {})
        body = event(action, dedup_key, payload=payload, **more)
        answer = self.pipeline.world.send(body, key=self._secret)
        assert answer.status == 202, answer
        self.pipeline.settle()
        found: str = answer.incident["id"]
        return found

    def goes_by(self, **time: float) -> None:
        self.pipeline.wait(**time)


def nights(play: Play) -> Night:
    """A deployment with people, whose pages and notices go out."""
    play.types("apply", "-", "--yes", "--json", stdin=small())
    said = play.types("keys", "create", "--service", "checkout", "--integration", "monitoring")
    [secret] = _SECRETS.findall(said.out)[:1]
    del play.lines[:]
    return Night(play.shell, secret)


def _without_chance(play: Play) -> None:
    """Ids are their time, and then noughts."""
    play.lines = [
        re.sub(
            r"\binc_([0-9a-f]{12})([0-9a-f]+)", lambda it: f"inc_{it[1]}{'0' * len(it[2])}", line
        )
        for line in play.lines
    ]


LATENCY = "Checkout: p99 latency above 4 s for 10 minutes in eu-central-1 and eu-west-1"


def incidents(play: Play) -> None:
    night = nights(play)
    play.types("incidents", "list")
    disk = night.event("trigger", "disk", "Disk of cache-3 is 92 % full", severity="info")
    night.goes_by(minutes=7)
    replica = night.event("trigger", "replica", "Replica is 90 s behind", severity="warning")
    night.goes_by(minutes=2)
    details = {"region": "eu-central-1", "p99_seconds": 4.7}
    latency = night.event("trigger", "latency", LATENCY, payload={"custom_details": details})
    night.event("trigger", "latency", LATENCY)
    night.goes_by(minutes=4)
    play.types("incidents", "list")
    play.types("incidents", "list", "--urgency", "high", "--status", "open", "--team", "shop")
    play.types("incidents", "list", "--since", "5m", "--limit", "1")
    play.types("incidents", "list", "--limit", "1")
    play.types("incidents", "show", latency[:18])
    play.types("incidents", "ack", latency[:18], "--as", "ben")
    play.types("incidents", "ack", latency[:18], "--as", "ben")
    play.types("incidents", "ack", disk, replica[:18], "inc_00000000", code=1)
    play.types("incidents", "note", latency, "Rolled back to 41, watching", "--as", "ben")
    play.types("incidents", "snooze", replica[:18], "--for", "2h")
    play.types("incidents", "unsnooze", replica[:18])
    play.types("incidents", "unsnooze", replica[:18], code=1)
    play.types("incidents", "suppress", replica[:18])
    play.types("incidents", "suppress", replica[:18])
    play.types("incidents", "escalate", replica[:18], code=1)
    play.types("incidents", "unsuppress", replica[:18])
    night.goes_by(minutes=1)
    play.types("incidents", "escalate", replica[:18], "--step", "2")
    play.types("incidents", "reassign", replica[:18], "ada")
    play.types("incidents", "ack", replica[:18])
    play.types("incidents", "resolve", disk[:18], latency[:18])
    play.types("incidents", "resolve", disk, code=1)
    play.types("incidents", "list")
    play.types("incidents", "list", "--resolved")
    play.types("incidents", "list", "--all")
    play.types("incidents", "show", latency)
    _without_chance(play)


def incidents_refused(play: Play) -> None:
    night = nights(play)
    first = night.event("trigger", "disk", "Disk is full")
    night.goes_by(seconds=1)
    night.event("trigger", "cpu", "CPU is hot")
    play.types("incidents", "show", "checkout", code=1)
    play.types("incidents", "show", first[:9], code=1)
    play.types("incidents", "show", "inc_" + "0" * 28, code=1)
    play.types("incidents", "list", "--service", "chekout", code=1)
    play.types("incidents", "list", "--team", "shops", code=1)
    play.types("incidents", "list", "--since", "yesterday", code=64)
    play.types("incidents", "list", "--since", "9999999d", code=64)
    play.types("incidents", "list", "--status", "open", "--all", code=64)
    play.types("incidents", "list", "--urgency", "low")
    play.types("incidents", "ack", first, "--as", "bn", code=1)
    play.types("incidents", "snooze", first, code=64)
    play.types("incidents", "snooze", first, "--for", "8d", code=1)
    play.types("incidents", "snooze", first, "--until", "2026-11-23 02:00", code=1)
    play.types("incidents", "reassign", first, "bem", code=1)
    play.types("incidents", "note", first, " ", code=1)
    play.types("incidents", "watch", "--status", "resolved", code=1)
    _without_chance(play)


def contact(play: Play) -> None:
    night = nights(play)
    play.types("contact", "test", "ada", "--method", "mail")
    listener = night.pipeline.listener
    listener.answer("cm_mail", [Sent("0100019a-5b0e3c9e-1d4e-4a8c-9a59-7e0f2f3d1c77-000000")])
    listener.answer("cm_phone", [TemporaryFailure("the provider answered 503")])
    listener.answer("cm_call", [PermanentFailure("this deployment has no number to call from")])
    play.types("contact", "test", "ada", code=1)
    night.pipeline.post.away = True
    play.types("contact", "test", "ben", "--method", "mail", code=1)
    night.pipeline.post.away = False
    play.types("contact", "test", "ben", "--no-wait")
    play.types("contact", "test", "ben", "--method", "fone", code=1)
    play.types("contact", "test", "bem", code=1)
    play.shell.pages = None
    play.types("contact", "test", "ben", code=1)


EVENT = json.dumps(event())


def simulate(play: Play) -> None:
    play.types("simulate", "-", stdin=EVENT, code=1)
    play.types("apply", "-", "--yes", "--json", stdin=(EXAMPLES / "realistic.yaml").read_text())
    del play.lines[-3:]
    play.types("simulate", "-", stdin=EVENT, code=64)
    play.types("simulate", "-", "--service", "chekout", stdin=EVENT, code=1)
    play.types("simulate", "-", "--service", "checkout", stdin="{}", code=1)
    play.types("simulate", "-", "--service", "checkout", stdin="{", code=1)
    play.types("simulate", "-", "--service", "checkout", stdin=EVENT)
    later = ["--service", "reports", "--at", "2026-11-28 12:00"]
    play.types("simulate", "-", *later, stdin=json.dumps(event(severity="info")))
    window = ["--for", "90m", "--reason", "New database"]
    play.types("maintenance", "start", "checkout", *window)
    del play.lines[-3:]
    play.types("simulate", "-", "--service", "checkout", stdin=EVENT)
    play.types("simulate", "-", *later, "--json", stdin=EVENT)
    play.types("simulate", "-", "--service", "gateway", stdin=json.dumps(event("resolve")))


def simulate_a_gap(play: Play) -> None:
    nobody = NIGHTLY.replace("services:", "services:\n  night: {team: nobody, policy: late}")
    valid = nobody.replace("{schedule: empty}", "{user: ada}").replace(
        "attic: {team: nobody}", "attic: {team: web}"
    )
    play.types("apply", "-", "--yes", "--json", stdin=valid)
    del play.lines[-3:]
    play.types("simulate", "-", "--service", "night", stdin=EVENT)
    play.types("simulate", "-", "--service", "shop", stdin=EVENT)


def doctor(play: Play) -> None:
    play.types("apply", "-", "--yes", "--json", stdin=small())
    del play.lines[-3:]
    account = Scripted(play.shell.world)
    play.shell.account = account
    play.types("doctor")
    account.version = "0.0.9"
    account.parameters |= {"EmailFrom": "", "VoiceOrigination": ""}
    account.answers |= {
        "lambda.GetAccountSettings": {
            "AccountLimit": {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10}
        },
        "lambda.GetEventSourceMapping": lambda asked: {
            "State": "Disabled" if asked["UUID"].startswith("EscalationFunc") else "Enabled"
        },
        "cloudwatch.DescribeAlarms": {
            "MetricAlarms": [
                {
                    "AlarmName": "TickMissingAlarm",
                    "StateValue": "ALARM",
                    "AlarmDescription": "The minute tick did not come for three minutes: timers "
                    'are late. docs/operations.md: "The tick is missing"',
                }
            ]
        },
        "sns.ListSubscriptionsByTopic": {
            "Subscriptions": [{"SubscriptionArn": "PendingConfirmation"}]
        },
        "sqs.GetQueueAttributes": lambda asked: {
            "Attributes": {
                "ApproximateNumberOfMessages": "3" if "Failures" in asked["QueueUrl"] else "0"
            }
        },
        "ssm.DescribeParameters": Refusal("AccessDeniedException"),
        "pinpoint-sms-voice-v2.DescribeAccountAttributes": Refusal("UnknownOperation", 404),
    }
    play.types("doctor", code=3)
    account.answers["cloudformation.DescribeStacks"] = Refusal("ValidationError")
    play.types("doctor", code=3)


SCENES: tuple[Scene, ...] = (
    validate_says_all_that_is_wrong,
    validate_looks_ahead,
    apply_from_nothing_and_change,
    prune_and_what_keeps_it,
    keys,
    a_key_in_use,
    on_call,
    maintenance,
    incidents,
    incidents_refused,
    contact,
    simulate,
    simulate_a_gap,
    doctor,
)


@pytest.fixture(params=[80, 120])
def shell(request: pytest.FixtureRequest, dynamodb: str) -> Iterator[Shell]:
    world = build(dynamodb)
    # Nothing is there before the first command.
    client = world.table.client
    empty = replace(world.table, name=make_table(client, "Table"))
    yield Shell(replace(world, table=empty), width=request.param)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_it_reads_as_it_was_looked_at(shell: Shell, scene: Scene) -> None:
    play = Play(shell)
    scene(play)
    text = "".join(play.lines)
    kept = GOLDEN / f"{scene.__name__}.{shell.width}.txt"
    if os.environ.get("GOLDEN") == "write":
        kept.write_text(text)
    assert text == kept.read_text()
    assert not re.search(r"[ \t]$", text, re.MULTILINE), "nothing trails"
    # What is meant to be copied stays in one piece, and so do long words.
    wide = [line for line in text.splitlines() if len(line) > shell.width and line[0] != "$"]
    assert all(re.search(r"^\s*(\S+|.*(curl|'Authorization|\"message\").*)$", it) for it in wide), (
        wide
    )


def test_usage_errors_are_not_taken_for_changes(shell: Shell) -> None:
    assert shell.opsknight("plan", "--prun").code == 64
    assert shell.opsknight("send", "--severity", "bad", "--key", "x").code == 64
    assert shell.opsknight("plan", "--help").code == 0


def test_failures_are_json_too(shell: Shell) -> None:
    said = shell.opsknight("keys", "revoke", "key_x", "--json")
    assert (said.code, said.err) == (1, "")
    assert said.out == (
        '{"error": "There is no key \\"key_x\\". `opsknight keys list` shows all keys."}\n'
    )
