"""Scenes on a terminal: files, keys, schedules and maintenance."""

import re

from harness.account import Refusal, Scripted
from harness.world import event
from tests.integration.play import EXAMPLES, SECRETS, Play, small

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
      old: {channel: discord, to: C1, secret: discord}
      next: {channel: ntfy, to: ntfy.sh/ben, next_secret: b}
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
    [secret] = SECRETS.findall(said.out)[:1]
    play.shell.world.send(event(), key=secret)
    play.forget()
    one = "users: {ada: {email: ada@example.com, role: ADMIN}}\n"
    incident = play.types("plan", "-", "--prune", stdin=one, code=2)
    [found] = set(re.findall(r"inc_[0-9a-f]+", incident.out))
    play.replace(re.compile(found), "inc_" + "0" * 28)
    play.shell.world.send(event("resolve"), key=secret)
    play.shell.world.let_functions_end()
    play.types("plan", "-", "--prune", stdin=one, code=2)
    play.types("apply", "-", "--prune", "--yes", stdin=one, code=1)
    play.types("apply", "-", "--prune", "--yes", "--force", stdin=one)


def keys(play: Play) -> None:
    play.types("keys", "list")
    play.types("apply", "-", "--yes", "--json", stdin=small())
    play.forget_last()
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


def calendar(play: Play) -> None:
    account = Scripted(play.shell.world)
    account.answers["ssm.GetParameter"] = {"Parameter": {"Value": "5e" * 32}}
    play.shell.account = account
    play.types("apply", "-", "--yes", "--json", stdin=(EXAMPLES / "realistic.yaml").read_text())
    play.forget_last()
    play.types("calendar", "--as", "ada")
    play.types("calendar", "--schedule", "follow-the-sun")
    play.types("calendar", "--schedule", "follow-the-son", code=1)
    play.types("calendar")
    account.answers["ssm.GetParameter"] = Refusal("ParameterNotFound")
    play.types("calendar", "--as", "ada", code=1)
    account.answers["ssm.GetParameter"] = Refusal("AccessDeniedException")
    play.types("calendar", "--as", "ada", code=1)


def login(play: Play) -> None:
    play.types("login", "--user", "bob", code=1)
    play.types("login", "--first", "grace@example.com", "--name", "Grace Hopper")
    play.types("login", "--first", "eve@example.com", code=1)
    play.types("login", code=64)
    play.types("apply", "-", "--yes", "--take-over", "--json", stdin=small())
    play.forget_last()
    play.types("login", "--user", "ben")
    play.types("login", "--user", "bn", code=1)
    play.types("login", "--user", "ben", "--json")


def a_key_in_use(play: Play) -> None:
    play.types("apply", "-", "--yes", "--json", stdin=small())
    said = play.types("keys", "create", "--user", "ben", "--name", "Jenkins")
    [secret] = SECRETS.findall(said.out)
    world = play.shell.world
    world.send(event("resolve", service_id="svc_checkout"), key=secret)
    world.let_functions_end()
    play.forget()
    disabled = small().replace("role: RESPONDER", "role: RESPONDER\n    disabled: true")
    play.types("apply", "-", "--yes", stdin=disabled, code=1)
    play.types("apply", "-", "--yes", "--force", stdin=disabled)


def on_call(play: Play) -> None:
    play.types("oncall")
    play.types("apply", "-", "--yes", "--json", stdin=(EXAMPLES / "realistic.yaml").read_text())
    play.forget_last()
    play.types("oncall")
    play.types("oncall", "--at", "2026-12-24 18:00", "--schedule", "follow-the-sun")
    play.types("oncall", "--mine", "--as", "ada")
    play.types("oncall", "--mine", "--as", "ada", "--schedule", "follow-the-sun", "--json")
    play.types("oncall", "--mine")
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


def hold(play: Play) -> None:
    play.types("apply", "-", "--yes", "--json", stdin=small())
    play.forget_last()
    play.types("hold", "status")
    play.types("hold", "off")
    play.types("hold", "on", "--for", "5h", code=1)
    play.types("hold", "on", "--for", "15m", "--reason", "New rules are deployed")
    play.types("incidents", "list")
    play.types("incidents", "list", "--json")
    play.types("contact", "test", "ada", code=1)
    play.goes_by(minutes=7)
    play.types("hold", "status")
    play.types("hold", "status", "--json")
    play.types("hold", "on", "--for", "3h")
    play.types("hold", "on", "--for", "3h54m", code=1)
    play.goes_by(minutes=1)
    play.types("hold", "off")
    play.types("hold", "status")
    play.types("incidents", "list")


def maintenance(play: Play) -> None:
    more = "  checkout:\n    name: Checkout\n"
    several = small().replace(more, f"  reports: {{team: shop}}\n{more}")
    play.types("apply", "-", "--yes", "--json", stdin=several)
    play.forget()
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
    every = ("--for", "2h", "--every", "1w", "--reason", "Backups")
    play.types("maintenance", "start", "checkout", "reports", *every)
    play.types("maintenance", "list")
    play.types("maintenance", "stop", "checkout", "reports")
    play.types("maintenance", "list")
    play.types(
        "maintenance", "start", "checkout", "reports", *every[:3], "12h", *every[4:], code=64
    )
    play.types(
        "maintenance", "start", "checkout", "--for", "2d", *every[2:3], "1d", *every[4:], code=64
    )
    play.types(
        "maintenance", "start", "checkout", *every[:2], "--until", "+9d", *every[4:], code=64
    )
    play.types("maintenance", "list", "--json")
