"""What people can do, and what the audit log says of it: a line for each route and each command
that writes. One without a line fails `test_audit_log`.
"""

import json
from collections.abc import Callable
from secrets import token_hex, token_urlsafe
from typing import Any, Final

from harness.account import Scripted
from harness.desk import Desk
from harness.post import PAGES_HIGH
from harness.processes import LINK_KEY
from harness.shell import Shell
from harness.visitor import Visitor
from harness.world import Response, World, deadline
from opsknight.directory.audit_log import AuditEntry, AuditKind
from opsknight.directory.entries import SCOPES, User, key_hash
from opsknight.directory.receivers import Channel, Owner
from opsknight.directory.sessions import COOKIE, LOGIN_LIFE, Login, Session
from opsknight.notification.codes import code
from opsknight.notification.delivery import delivery_id
from opsknight.runtime.queues import Queue
from opsknight.store import items
from opsknight.store.audit_log import AuditLog, Sought
from opsknight.store.receivers import Receivers
from opsknight.store.sessions import Sessions

FILE: Final = """
users:
  ada: {email: ada@example.com, role: ADMIN, name: Ada Lovelace}
  ben: {email: ben@example.com, role: RESPONDER, name: Ben}
teams:
  web: {members: {ada: , ben: {pages: false}}}
schedules:
  web:
    name: Web
    zone: UTC
    layers: {weekly: {users: [ada, ben], start: 2026-01-05, handoff: "09:00", turn: 1w}}
services:
  checkout: {team: web, integrations: {prometheus: {name: Prometheus}}}
status_pages:
  example: {services: [checkout], public: {}}
"""
_CHANGED: Final = FILE.replace("name: Ben", "name: Benjamin")
NUMBER: Final = "+4915112345678"


class Stage:
    """A deployment with a configuration, an administrator's key, and a command line."""

    def __init__(self, world: World) -> None:
        self.world, self.shell, self.desk = world, Shell(world), Desk(world)
        self.shell.pages = Queue(self.desk.post.sqs(), PAGES_HIGH)
        self.shell.account = Scripted(world)
        link_key = {"Parameter": {"Value": LINK_KEY.hex()}}
        self.shell.account.answers["ssm.GetParameter"] = link_key
        self.secrets: list[str] = []
        """What must rest nowhere in the log."""
        key = Desk.key
        for each in ("user_ada", "user_ben"):
            world.table.client.delete_item(TableName=world.table.name, Key=items.user_key(each))
        self.desk.ssm.put_parameter(
            Name=self.desk.key_name, Value=LINK_KEY.hex(), Type="SecureString"
        )
        said = self.shell.opsknight("apply", "-", "--yes", stdin=FILE)
        assert said.code == 0, said.all
        self.key = key(self.desk, "ada", *SCOPES, key_id="key_ada")
        self.secrets.append(self.key)
        world.clock.advance(minutes=1)

    def call(self, method: str, path: str, body: object = None) -> Response:
        answer = self.desk.call(method, path, body, key=self.key)
        assert answer.status < 300, answer.problem or answer.body
        if "secret" in answer.body:
            self.secrets.append(answer.body["secret"])
        return answer

    def says(self, *words: str, stdin: str = "") -> Any:
        said = self.shell.opsknight(*words, "--json", stdin=stdin)
        assert said.code == 0, said.all
        return json.loads(said.out)

    def entries(self, **sought: Any) -> list[AuditEntry]:
        """Oldest first."""
        log = AuditLog(self.world.table)
        found, _ = log.newest(Sought(**sought), None, 200, self.world.clock(), deadline())
        return found[::-1]

    @property
    def ada(self) -> User:
        found = self.world.table.user("user_ada", deadline())
        assert found
        return found

    def visitor(self, cookie: str = "") -> Visitor:
        from console.handler import make  # noqa: PLC0415
        from opsknight.runtime import clock  # noqa: PLC0415

        function = make(self.world.table, None, clock.new_id, self.world.clock)  # type: ignore[arg-type]
        return Visitor(function, {COOKIE: cookie} if cookie else {})

    def begins(self) -> tuple[str, Session]:
        """A cookie of Ada's, and its session."""
        secret = token_urlsafe(32)
        ends_at = self.world.clock() + LOGIN_LIFE
        login = Login(user_id=self.ada.id, user_since=self.ada.since, ends_at=ends_at)
        Sessions(self.world.table).offer(key_hash(secret), login, deadline())
        visitor = self.visitor()
        told = visitor.ask(f"/auth/{secret}", "POST")
        assert told.status == 303, told.text
        [session] = Sessions(self.world.table).of("user_ada", deadline())
        cookie = visitor.jar[COOKIE]
        self.secrets += [secret, cookie]
        return cookie, session

    def waiting(self) -> str:
        body = {"channel": "sms", "to": NUMBER, "name": "Mobile"}
        answer = self.call("POST", "/api/keeping/me/contact-methods", body)
        self.secrets.append(NUMBER)
        return str(answer.body["waiting"]["id"])

    def confirmed(self) -> str:
        waiting = self.waiting()
        place = Owner.user("user_ada").destination(waiting)
        Receivers(self.world.table).confirm(place, NUMBER, self.world.clock(), deadline())
        return waiting

    def used(self) -> str:
        self.call("POST", f"/api/keeping/me/contact-methods/{self.confirmed()}/use")
        # It reaches her: another one may go.
        [method] = [each for each in self.ada.contact_methods if each.channel is Channel.SMS]
        place = Owner.user("user_ada").destination(method.id)
        Receivers(self.world.table).confirm(place, NUMBER, self.world.clock(), deadline())
        return method.id

    def override(self) -> str:
        body = {"userId": "user_ben", "replaces": "user_ada", **self.hours()}
        answer = self.call("POST", "/api/schedules/sch_web/overrides", body)
        return str(answer.body["override"]["id"])

    def window(self) -> str:
        body = {"end": self.hours()["end"], "reason": "A new database"}
        answer = self.call("POST", "/api/services/svc_checkout/maintenance", body)
        return str(answer.body["maintenance"]["id"])

    def hours(self) -> dict[str, str]:
        now = self.world.clock().replace(microsecond=0)
        return {"start": now.isoformat(), "end": now.replace(hour=23, minute=59).isoformat()}

    def added(self) -> str:
        body = {"name": f"Tool {token_hex(3)}"}
        answer = self.call("POST", "/api/keeping/services/svc_checkout/integrations", body)
        return str(answer.body["key"]["id"])

    def posted(self) -> str:
        services = {"svc_checkout": "degraded"}
        body = {"title": "Payments fail", "text": "We look.", "services": services}
        answer = self.call("POST", "/api/status-pages/page_example/posts", body)
        return str(answer.body["post"]["id"])

    def applies(self, text: str) -> Response:
        """The console takes over from the command line."""
        planned = self.call("POST", "/api/configuration/plan", {"text": text})
        seen = {"revision": planned.body["revision"], "takeOver": True, "force": True}
        return self.call("POST", "/api/configuration/apply", {"text": text} | seen)

    def own_key(self) -> str:
        key_id = f"key_{token_hex(4)}"
        self.secrets.append(Desk.key(self.desk, "ada", *SCOPES, key_id=key_id))
        return key_id


type Prepared = Callable[[], object]
type Line = tuple[AuditKind, str, Callable[[Stage], Prepared]]
"""What the log says, which thing it is about, and what prepares the act."""

_KEEPING: Final = "/api/keeping"
_SERVICE: Final = f"{_KEEPING}/services/svc_checkout"
_METHODS: Final = f"{_KEEPING}/me/contact-methods"
_POSTS: Final = "/api/status-pages/page_example/posts"


def _with(name: str, method: str, path: str, body: object = None) -> Callable[[Stage], Prepared]:
    """A call whose path names what `Stage.<name>` makes."""

    def prepared(stage: Stage) -> Prepared:
        made = getattr(stage, name)()
        return lambda: stage.call(method, path.format(made), body)

    return prepared


def _session(stage: Stage) -> Prepared:
    _, session = stage.begins()
    return lambda: stage.call("DELETE", f"/api/me/sessions/{session.id}")


def _rules(stage: Stage) -> Prepared:
    method = stage.used()
    rules = [{"urgency": "HIGH", "methodId": method}]
    return lambda: stage.call("POST", f"{_KEEPING}/me/rules", {"rules": rules})


ROUTES: Final[dict[str, Line]] = {
    "startMaintenance": (
        AuditKind.MAINTENANCE_PLANNED,
        "svc_checkout",
        lambda stage: stage.window,
    ),
    "endMaintenance": (
        AuditKind.MAINTENANCE_ENDED,
        "svc_checkout",
        _with("window", "DELETE", "/api/services/svc_checkout/maintenance/{}"),
    ),
    "addOverride": (AuditKind.OVERRIDE_ADDED, "sch_web", lambda stage: stage.override),
    "removeOverride": (
        AuditKind.OVERRIDE_REMOVED,
        "sch_web",
        _with("override", "DELETE", "/api/schedules/sch_web/overrides/{}"),
    ),
    "endCalendar": (
        AuditKind.CALENDAR_ENDED,
        "sch_web",
        lambda stage: lambda: stage.call("DELETE", "/api/calendar?schedule=sch_web"),
    ),
    "endMySession": (AuditKind.SESSION_ENDED, "user_ada", _session),
    "addPost": (AuditKind.POST_ADDED, "page_example", lambda stage: stage.posted),
    "updatePost": (
        AuditKind.POST_UPDATED,
        "page_example",
        _with("posted", "POST", f"{_POSTS}/{{}}/updates", {"text": "Most work."}),
    ),
    "withdrawPost": (
        AuditKind.POST_WITHDRAWN,
        "page_example",
        _with("posted", "DELETE", f"{_POSTS}/{{}}"),
    ),
    "addIntegration": (
        AuditKind.INTEGRATION_ADDED,
        "svc_checkout",
        lambda stage: stage.added,
    ),
    "addKey": (
        AuditKind.KEY_MADE,
        "svc_checkout/int_prometheus",
        lambda stage: lambda: stage.call("POST", f"{_SERVICE}/integrations/int_prometheus/keys"),
    ),
    "rotateKey": (
        AuditKind.KEY_ROTATED,
        "svc_checkout",
        _with("added", "POST", f"{_SERVICE}/keys/{{}}/rotate"),
    ),
    "revokeKey": (
        AuditKind.KEY_REVOKED,
        "svc_checkout",
        _with("added", "DELETE", f"{_SERVICE}/keys/{{}}"),
    ),
    "addMyMethod": (AuditKind.METHOD_ASKED_FOR, "user_ada", lambda stage: stage.waiting),
    "useMyMethod": (
        AuditKind.METHODS_CHANGED,
        "user_ada",
        _with("confirmed", "POST", f"{_METHODS}/{{}}/use"),
    ),
    "renameMyMethod": (
        AuditKind.METHODS_CHANGED,
        "user_ada",
        _with("used", "PATCH", f"{_METHODS}/{{}}", {"name": "Old"}),
    ),
    "removeMyMethod": (
        AuditKind.METHODS_CHANGED,
        "user_ada",
        _with("waiting", "DELETE", f"{_METHODS}/{{}}"),
    ),
    "setMyRules": (AuditKind.RULES_CHANGED, "user_ada", _rules),
    "applyConfiguration": (
        AuditKind.CONFIGURATION_APPLIED,
        "configuration",
        lambda stage: lambda: stage.applies(_CHANGED),
    ),
    "revokeMyKey": (
        AuditKind.KEY_REVOKED,
        "user_ada",
        _with("own_key", "DELETE", f"{_KEEPING}/me/keys/{{}}"),
    ),
}
_TIMELINE: Final = "the incident's timeline says it"
_MESSAGE: Final = "it sends a message to the caller, and changes nothing"
EXEMPT_ROUTES: Final = {
    **dict.fromkeys(
        (
            *("openIncident", "changeIncident", "acknowledgeIncident", "resolveIncident"),
            *("snoozeIncident", "unsnoozeIncident", "suppressIncident", "unsuppressIncident"),
            *("escalateIncident", "reassignIncident", "alsoPageIncident", "addNote"),
            "actOnIncidents",
        ),
        _TIMELINE,
    ),
    "sendMyCode": _MESSAGE,
    "sendMyTest": _MESSAGE,
    "typeMyCode": "an address counts once it is taken into use, which is an act of its own",
    "previewOverride": "it writes nothing",
    "validateConfiguration": "it writes nothing",
    "planConfiguration": "it writes nothing",
    "simulateNight": "it writes nothing",
}


def _words(*words: str, stdin: str = "") -> Callable[[Stage], Prepared]:
    return lambda stage: lambda: stage.says(*words, stdin=stdin)


def _naming(name: str, *words: str) -> Callable[[Stage], Prepared]:
    """A command that names what `Stage.<name>` makes."""

    def prepared(stage: Stage) -> Prepared:
        made = getattr(stage, name)()
        return lambda: stage.says(*(each.format(made) for each in words))

    return prepared


def _me(*words: str) -> Callable[[Stage], Prepared]:
    return _words("me", *words, "--as", "ada")


def _confirm(stage: Stage) -> Prepared:
    """With the code that a message brought."""
    stage.secrets.append(NUMBER)
    asked = stage.says("me", "add", "sms", NUMBER, "--as", "ada")
    waiting, message = asked["waiting"]["id"], asked["code"]["id"]
    name = delivery_id("p", message, "user_ada", waiting)
    typed = code(name, LINK_KEY, NUMBER)
    return lambda: stage.says("me", "confirm", waiting, message, typed, "--as", "ada")


def _me_rules(stage: Stage) -> Prepared:
    stage.used()
    return lambda: stage.says("me", "rules", "--set", "HIGH=sms", "--as", "ada")


def _logout(stage: Stage) -> Prepared:
    stage.begins()
    return lambda: stage.says("logout", "--user", "ada")


def _hold_off(stage: Stage) -> Prepared:
    stage.says("hold", "on", "--for", "15m")
    return lambda: stage.says("hold", "off")


def _restore(stage: Stage) -> Prepared:
    """From a copy in which somebody had another name."""
    table, client = stage.world.table, stage.world.table.client
    copy = f"copy-{token_hex(4)}"
    told: Any = client.describe_table(TableName=table.name)["Table"]
    client.create_table(
        TableName=copy,
        KeySchema=told["KeySchema"],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for key in (items.user_key("user_ben"), items.HEAD_KEY):
        item = table.item(key, deadline())
        assert item
        client.put_item(TableName=copy, Item=item)
    stage.says("apply", "-", "--yes", "--force", stdin=FILE.replace("name: Ben", "name: Benjamin"))
    return lambda: stage.says("restore", "--from-table", copy)


COMMANDS: Final[dict[str, Line]] = {
    "apply": (
        AuditKind.CONFIGURATION_APPLIED,
        "configuration",
        _words("apply", "-", "--yes", stdin=_CHANGED),
    ),
    "restore": (AuditKind.RESTORED, "configuration", _restore),
    "login": (AuditKind.LOGIN_LINK_MADE, "user_ada", _words("login", "--user", "ada")),
    "logout": (AuditKind.SESSION_ENDED, "user_ada", _logout),
    "keys create": (
        AuditKind.KEY_MADE,
        "user_ada",
        _words("keys", "create", "--user", "ada", "--name", "laptop"),
    ),
    "keys rotate": (
        AuditKind.KEY_ROTATED,
        "svc_checkout",
        _naming("added", "keys", "rotate", "{}"),
    ),
    "keys revoke": (
        AuditKind.KEY_REVOKED,
        "svc_checkout",
        _naming("added", "keys", "revoke", "{}"),
    ),
    "me add": (AuditKind.METHOD_ASKED_FOR, "user_ada", _me("add", "sms", NUMBER)),
    "me confirm": (AuditKind.METHODS_CHANGED, "user_ada", _confirm),
    "me rename": (
        AuditKind.METHODS_CHANGED,
        "user_ada",
        _naming("used", "me", "rename", "{}", "Old", "--as", "ada"),
    ),
    "me remove": (
        AuditKind.METHODS_CHANGED,
        "user_ada",
        _naming("waiting", "me", "remove", "{}", "--as", "ada"),
    ),
    "me rules": (AuditKind.RULES_CHANGED, "user_ada", _me_rules),
    "override add": (
        AuditKind.OVERRIDE_ADDED,
        "sch_web",
        _words("override", "add", "web", "ben", "--for", "2h"),
    ),
    "override remove": (
        AuditKind.OVERRIDE_REMOVED,
        "sch_web",
        _naming("override", "override", "remove", "web", "{}"),
    ),
    "maintenance start": (
        AuditKind.MAINTENANCE_PLANNED,
        "svc_checkout",
        _words("maintenance", "start", "checkout", "--for", "2h", "--reason", "disks"),
    ),
    "maintenance stop": (
        AuditKind.MAINTENANCE_ENDED,
        "svc_checkout",
        _naming("window", "maintenance", "stop", "checkout"),
    ),
    "posts add": (
        AuditKind.POST_ADDED,
        "page_example",
        _words(
            *("posts", "add", "example", "Payments fail", "--text", "We look."),
            *("--service", "checkout=down"),
        ),
    ),
    "posts update": (
        AuditKind.POST_UPDATED,
        "page_example",
        _naming("posted", "posts", "update", "example", "{}", "--text", "Most work."),
    ),
    "posts withdraw": (
        AuditKind.POST_WITHDRAWN,
        "page_example",
        _naming("posted", "posts", "withdraw", "example", "{}"),
    ),
    "hold on": (AuditKind.HOLD_BEGUN, "deployment", _words("hold", "on", "--for", "15m")),
    "hold off": (AuditKind.HOLD_ENDED, "deployment", _hold_off),
}
_READS: Final = "it writes nothing"
EXEMPT_COMMANDS: Final = {
    **dict.fromkeys(
        (
            *("validate", "schema", "plan", "export", "oncall", "analytics", "calendar", "audit"),
            *("simulate", "doctor", "keys list", "integrations list", "integrations show"),
            *("heartbeats list", "heartbeats show", "incidents list", "incidents show"),
            *("incidents watch", "contact card", "override list", "maintenance list"),
            *("posts list", "hold status", "aws alarms", "shadow report", "switch status"),
            *("import pagerduty", "import opsgenie", "integrations test", "me methods"),
        ),
        _READS,
    ),
    **dict.fromkeys(
        (
            *("incidents ack", "incidents resolve", "incidents snooze", "incidents unsnooze"),
            *("incidents suppress", "incidents unsuppress", "incidents reassign"),
            *("incidents also-page", "incidents note", "incidents escalate"),
        ),
        _TIMELINE,
    ),
    "send": "an event, as any monitor sends",
    "contact test": _MESSAGE,
    "me code": _MESSAGE,
    "me test": _MESSAGE,
    "import finish": "overrides, windows and keys, each as its own command has it",
    "remove": "nothing is left to say it in",
    "rollback": "it changes no table; CloudTrail says who moved an alias",
}
