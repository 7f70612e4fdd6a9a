"""Each function may do what it does, and nothing else.

What it does with DynamoDB is watched, not listed: the real entry points run with the template's
environment, and every call is noted. What Lambda does in a function's name (reading the stream,
reporting failures, writing logs) follows from the template itself.
"""

import json
import os
import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from random import Random
from secrets import token_hex
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.endpoint import EndpointCreator
from botocore.exceptions import ClientError

import canary.handler
import console.handler
import escalation.handler
import events.handler
import notify.handler
import respond.configurator
import respond.handler
import respond.keeper
from escalation.sweep import BATCH
from harness import twilio
from harness.desk import Desk
from harness.dynamodb import template
from harness.identity_provider import SECRET, identity_provider
from harness.pipeline import Pipeline
from harness.policies import allows, name_of, statement, statements
from harness.publisher import Publisher
from harness.receivers import answers, http_receiver
from harness.recording import judge, touched
from harness.settings import configure
from harness.streams import record
from harness.visitor import ADDRESS, Visitor
from harness.world import World, deadline, event, http_event
from notify import wiring
from notify.channels.registry import Senders
from notify.channels.twilio import api as by_twilio
from opsknight.directory.aws import AwsRule, AwsRules
from opsknight.directory.entries import (
    SCOPES,
    IntegrationKey,
    Member,
    Role,
    Team,
    User,
    key_hash,
)
from opsknight.directory.heartbeats import Heartbeat
from opsknight.directory.integrations import Integration
from opsknight.directory.mirror import Mirror, System
from opsknight.directory.passing_on import Passed
from opsknight.directory.receivers import Channel, Owner, Receiver, ServiceReceiver
from opsknight.directory.reports import DailyReport
from opsknight.directory.routing import Route, Routing
from opsknight.directory.sessions import LOGIN_LIFE, Login
from opsknight.directory.status_pages import PublicPage, StatusPage
from opsknight.escalation.policy import Policy, Step, Target, TargetKind
from opsknight.incident.canary import SERVICE_ID
from opsknight.incident.commands import Note
from opsknight.incident.model import Action
from opsknight.notification import codes
from opsknight.notification.bundle import Bundled
from opsknight.notification.delivery import Report, State
from opsknight.oncall.schedules import Schedule
from opsknight.publishing.posts import State as Shown
from opsknight.runtime import aws, clients, clock
from opsknight.runtime.addresses import Reach
from opsknight.runtime.twilio import TwilioAccount
from opsknight.runtime.wakeups import (
    AuditIncidents,
    MessageReported,
    PassOn,
    PlanNotices,
    QueueMessage,
    SendDelivery,
    SweepShard,
    TimerDue,
    TrackPage,
    to_json,
)
from opsknight.store import items
from opsknight.store.directory_items import directory_item
from opsknight.store.heartbeats import Heartbeats
from opsknight.store.items import DUE_SHARDS, incident_key
from opsknight.store.message_items import bundle_items
from opsknight.store.mirrors import Mirrors
from opsknight.store.posts import Posts
from opsknight.store.receivers import Receivers
from opsknight.store.sessions import Sessions
from opsknight.store.wire import Item, stamp
from status import handler as status_handler
from status import worker as status_worker
from tests.integration.steps import do
from tests.template.parts import functions, of_type, stream_mappings

CONTEXT: Any = None
QUEUES = ("Arrivals", "Timers", "Plans", "PagesHigh", "Pages", "Notices")
TOPICS = ("FallbackTopic", "Renders")
LINK_KEY = "/opsknight/stack/link-key"
SLACK_SECRET = "/opsknight/slack-signing-secret"
SLACK_NAMED_BY = "/opsknight/stack/slack-signing-secret-name"
TWILIO = "/opsknight/stack/twilio"
OIDC = "/opsknight/stack/oidc"
OIDC_SECRET = "/opsknight/oidc-secret"
PAGES_BUCKET = "pages"
HOOK_SECRET = "/opsknight/stack/secrets/hook"

Grant = tuple[str, str]
"""An action, and the resource of the template it is done to: `Table`, `Table.StreamArn`."""

# What an operator may switch on, and no call here needs.
OPTIONAL = {
    ("ssm:GetParameter", "parameter/opsknight-shared/*"),
    ("kms:Decrypt", "SecretsKeyArn"),
    ("ssm:GetParameter", "parameter/opsknight/stack/canary-ping"),
}


def _brings_events_of_aws(world: World) -> None:
    """An alarm that fires twice, is over, and comes too late; and one that no rule names."""
    rule = AwsRule(name="checkout-*", service_id=world.service.id)
    item = directory_item(AwsRules(rules=(rule,)))
    world.table.client.put_item(TableName=world.table.name, Item=item)
    told = [("checkout-1", "ALARM", 1), ("checkout-1", "ALARM", 2), ("checkout-1", "OK", 3)]
    for name, state, second in [*told, ("checkout-1", "ALARM", 2), ("other", "ALARM", 1)]:
        alarm = {"AlarmName": name, "NewStateValue": state, "AlarmArn": f"arn:{name}"}
        alarm["StateChangeTime"] = f"2026-01-01T00:00:0{second}.000+0000"
        record = {"messageId": "1", "receiptHandle": "r", "body": json.dumps(alarm)}
        record |= {"eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:1:q"}
        answer = events.handler.on_request({"Records": [record]}, None)
        assert answer == {"batchItemFailures": []}


def call_events(world: World) -> None:
    """Every action, both kinds of keys, a body in chunks, a batch, senders who act and read as they
    did at Opsgenie, and an integration with routes and a secret that nobody has stored yet.
    """

    def post(body: dict[str, Any], authorization: str) -> None:
        request = http_event(body, headers={"authorization": authorization})
        assert events.handler.on_request(request, None)["statusCode"] == 202

    integration = f"Token token={world.integration_key}"
    for action in ("trigger", "trigger", "acknowledge", "resolve"):
        post(event(action), integration)
    large = b64encode(Random(1).randbytes(200_000)).decode()
    post(event(payload={"custom_details": {"dump": large}}), integration)
    post(event("resolve", service_id=world.service.id), f"Bearer {world.user_api_key}")
    path = f"/k/{world.integration_key}/alertmanager"
    alert = {"status": "firing", "labels": {"alertname": "HighCPU"}}
    batch = http_event({"alerts": [alert, alert | {"labels": {"a": "b"}}]}, path=path)
    assert events.handler.on_request(batch, None)["statusCode"] == 202
    _brings_events_of_aws(world)
    genie = {"authorization": f"GenieKey {world.integration_key}"}
    for method, path, body, status in (
        ("POST", "", {"message": "Disk full", "alias": "disk"}, 202),
        ("POST", "/disk/notes", {"note": "Looking."}, 202),
        ("PUT", "/disk/message", {"message": "Disk fuller"}, 202),
        ("GET", "/disk", "", 200),
        ("GET", "", "", 200),
    ):
        request = http_event(
            body,
            method=method,
            path=f"/v2/alerts{path}",
            headers=genie,
            query={"identifierType": "alias"} if path else {},
        )
        assert events.handler.on_request(request, None)["statusCode"] == status
    route = Route(name="all", when="`true`", service_id=world.other_service.id)
    own = Integration(
        id="int_prometheus",
        service_id=world.service.id,
        name="Prometheus",
        heartbeat=Heartbeat(every=timedelta(minutes=1), runs_at_most=timedelta(minutes=1)),
        routing=Routing(routes=(route,)),
        remembers=True,
    )
    configure(world, own)
    events.handler.api.cache_clear()
    post(event(dedup_key="routed"), integration)
    for said in ("/start", "", "/fail", ""):
        beat = http_event("", method="GET", path=f"/heartbeat/{world.integration_key}{said}")
        assert events.handler.on_request(beat, None)["statusCode"] == 200
    configure(world, own.model_copy(update={"secret": "hook"}))
    events.handler.api.cache_clear()
    signed = http_event({}, path=f"/k/{world.integration_key}/github")
    assert events.handler.on_request(signed, None)["statusCode"] == 503
    mirror = Mirror(to=System.PAGERDUTY, secret="old")
    world.service = world.service.model_copy(update={"mirror": mirror})
    configure(world, own.model_copy(update={"routing": None, "remembers": False}))
    events.handler.api.cache_clear()
    post(event(dedup_key="passed on"), integration)


def call_escalation(world: World) -> None:
    def wake(incident: dict[str, Any]) -> None:
        answer = escalation.handler.on_stream({"Records": [record(incident)]}, CONTEXT)
        assert answer == {"batchItemFailures": []}

    _every_path(world, wake)


def call_timer(world: World) -> None:
    def wake(incident: dict[str, Any]) -> None:
        _send(escalation.handler.on_due, TimerDue(incident["id"]["S"], world.clock()))

    # Overdue by more than a first message may take.
    _planned(world, ago=timedelta(minutes=1))
    for _ in range(BATCH + 1):
        world.send(event(dedup_key=token_hex(4)))
    _heartbeats(world)
    for shard in range(DUE_SHARDS):
        _send(escalation.handler.on_due, SweepShard(shard))
    _every_path(world, wake)
    now, chat = datetime.now(UTC), Receiver(id="rcv_ops", name="Ops", channel=Channel.EMAIL, to="x")
    at = now.time().replace(second=0, microsecond=0)
    report = DailyReport(id="rep_1", name="Daily", at=at, zone="UTC", receivers=(chat,))
    world.table.client.put_item(TableName=world.table.name, Item=directory_item(report))
    _send(escalation.handler.on_due, AuditIncidents())
    assert [each for each in world.items() if each.get("about") == {"S": "report"}]


def _heartbeats(world: World) -> None:
    """One that is overdue while nothing was heard, one that failed, one back, and one forgotten."""
    heartbeat, long_ago = Heartbeat(every=timedelta(minutes=1)), world.clock() - timedelta(hours=2)
    rows = Heartbeats(world.table)
    for name in ("overdue", "failed", "back", "forgotten"):
        where = world.service.id, f"int_{name}"
        rows.beat(*where, heartbeat, long_ago, deadline())
        if name in ("failed", "back"):
            rows.fail(*where, "", long_ago, deadline())
        if name == "back":
            rows.beat(*where, heartbeat, long_ago + timedelta(minutes=1), deadline())
        if name != "forgotten":
            configure(
                world,
                Integration(id=where[1], service_id=where[0], name=name, heartbeat=heartbeat),
            )


def call_tick(world: World) -> None:
    escalation.handler.on_tick({}, CONTEXT)


def _every_path(world: World, wake: Callable[[dict[str, Any]], None]) -> None:
    """A step of many people, a silence that resolves, and one that reaches nobody: an hour ago."""
    world.clock.at = datetime.now(UTC) - timedelta(hours=1)

    def put(item: Item) -> None:
        world.table.client.put_item(TableName=world.table.name, Item=item)

    def opens(*targets: Target, **more: Any) -> None:
        policy = Policy(id=token_hex(4), name="", version=1, steps=(Step(targets=targets),))
        world.table.publish(policy, token_hex(8), deadline())
        put(directory_item(world.service.model_copy(update={"policy_id": policy.id} | more)))
        world.apis.clear()
        opened = world.send(event(dedup_key=token_hex(4))).incident["id"]
        key = incident_key(opened)
        wake(dict(world.table.client.get_item(TableName=world.table.name, Key=key)["Item"]))

    for number in range(150):
        put(directory_item(User(id=f"user_{number}", name="", email="", role=Role.USER)))
    members = tuple(Member(user_id=f"user_{number}") for number in range(150))
    put(directory_item(Team(id="team_large", name="Large", members=members)))
    everybody = Target(kind=TargetKind.TEAM, id="team_large")
    nobody = Target(kind=TargetKind.SCHEDULE, id="sch_none")
    opens(everybody, nobody, auto_resolve=timedelta(minutes=1))
    opens(nobody)


def _send(on_due: Callable[..., Any], message: QueueMessage) -> None:
    record = {"messageId": "1", "eventSource": "aws:sqs", "body": to_json(message)}
    # A function on a machine with much else to do may run out of time: its queue brings it again.
    brought = (on_due({"Records": [record]}, CONTEXT) for _ in range(10))
    assert {"batchItemFailures": []} in brought


def call_notify(world: World) -> None:
    """An incident that was opened, acknowledged and resolved, one that pages somebody, and one that
    the stream lost.
    """
    for action in ("trigger", "acknowledge", "resolve"):
        assert world.send(event(action)).status == 202
    _receivers(world)
    night = Pipeline(world)
    for severity in ("critical", "warning"):
        opened = world.send(event(dedup_key=severity, severity=severity)).incident["id"]
        night.engine.attend(opened, deadline())
    kinds = {"incident", "change", "page"}
    records = [record(item) for item in world.items() if item.get("kind", {}).get("S") in kinds]
    assert {each["dynamodb"]["NewImage"]["kind"]["S"] for each in records} == kinds
    assert notify.handler.on_event({"Records": records}, CONTEXT) == {"batchItemFailures": []}
    _send(notify.handler.on_event, PlanNotices(world.send(event()).incident["id"]))
    _reports()


def _reports() -> None:
    """One that comes before its message's id was kept."""
    bounce = {"eventType": "Bounce", "mail": {"messageId": "0102-early"}}
    notify.handler.on_event({"source": "aws.ses", "detail": bounce}, CONTEXT)


def call_send(world: World) -> None:
    """A page by every channel of AWS, one by a webhook with a secret, and one that had to wait."""
    night = _planned(world)
    ssm = boto3.Session().client("ssm")
    # So that they go by AWS.
    twilio.keep_account(ssm, TWILIO, texts_from="", calls_from="")
    ssm.put_parameter(Name=HOOK_SECRET, Value="s" * 32, Type="SecureString", Overwrite=True)
    with suppress(ClientError):
        boto3.Session().client("sesv2").create_email_identity(EmailIdentity="oncall@example.com")
    # Whoever sends the first message makes it.
    with suppress(ssm.exceptions.ParameterNotFound):
        ssm.delete_parameter(Name=LINK_KEY)
    for page in night.all_pages():
        # One that the sweep brings again.
        _send(notify.handler.on_delivery, TrackPage(page.incident_id, page.page_no, page.user_id))
    for each in night.deliveries():
        _send(notify.handler.on_delivery, SendDelivery(each.incident_id, each.id))
        _pause_for_an_hour(world)
    ssm.put_parameter(Name=SLACK_NAMED_BY, Value=SLACK_SECRET, Type="String", Overwrite=True)
    ssm.put_parameter(Name=SLACK_SECRET, Value="s" * 32, Type="SecureString", Overwrite=True)
    senders = wiring.sending().senders
    assert isinstance(senders, Senders)
    assert senders.outside.hears_buttons()
    with http_receiver(answers(200, b"{}")) as api:
        settings = replace(senders.outside.settings, twilio_url=api.url)
        http = replace(senders.outside.http, reach=Reach.LOCAL)
        asked = by_twilio(replace(senders.outside, http=http, settings=settings))
        account = asked.account()
        assert isinstance(account, TwilioAccount)
        assert not asked.takes_replies(account, twilio.NUMBER)
        assert api.requests
    # Their time has come, and nobody paces them any more: one message tells those that waited.
    for each in night.deliveries():
        if each.state is State.PENDING and not each.attempts:
            _send(notify.handler.on_delivery, night.outdate(each))
    _send(notify.handler.on_delivery, MessageReported("SM1", Report.FAILED, "no-answer"))
    # Nothing is passed on by this service, so what waits is dropped.
    passed = Passed(
        service_id=world.service.id, at=datetime.now(UTC), action=Action.RESOLVE, key="k", body="{}"
    )
    Mirrors(world.table).note(passed, deadline())
    _send(notify.handler.on_delivery, PassOn(world.service.id))


def _pause_for_an_hour(world: World) -> None:
    """Whoever has had a message gets the next one much later, so that on a slow machine, too, some
    have to wait.
    """
    later = {"S": stamp(datetime.now(UTC) + timedelta(hours=1))}
    for item in world.items():
        if "next_at" in item:
            world.table.client.put_item(
                TableName=world.table.name,
                Item=item | {"next_at": later, "urgent_next_at": later},
            )


def _receivers(world: World) -> None:
    """A user with contact methods of every channel of AWS, and a receiver that does not answer."""
    world.clock.at = datetime.now(UTC)
    addresses = {
        Channel.EMAIL: "ada@example.com",
        Channel.SMS: "+4915112345678",
        Channel.VOICE: "+4915112345678",
    }
    methods = tuple(
        Receiver(id=channel, name="", channel=channel, to=to) for channel, to in addresses.items()
    )
    user = User(id="user_ada", name="Ada", email="", role=Role.USER, contact_methods=methods)
    hook = ServiceReceiver(
        id="hook",
        name="",
        channel=Channel.WEBHOOK,
        to="https://hooks.invalid/",
        secret="hook",
        service_id=world.service.id,
    )
    policy = Policy(
        id="pol_ada",
        name="",
        version=1,
        steps=(Step(targets=(Target(kind=TargetKind.USER, id=user.id),)),),
    )
    world.table.publish(policy, token_hex(8), deadline())
    service = world.service.model_copy(update={"policy_id": policy.id})
    for item in (directory_item(user), directory_item(hook), directory_item(service)):
        world.table.client.put_item(TableName=world.table.name, Item=item)
    world.apis.clear()


def _planned(world: World, ago: timedelta = timedelta(0)) -> Pipeline:
    """Deliveries of some incidents that nobody was woken for: to a user, and to a receiver."""
    _receivers(world)
    world.clock.at -= ago
    night = Pipeline(world)
    severities = ("critical", "critical", "critical", "warning")
    events = [event(dedup_key=token_hex(4), severity=severity) for severity in severities]
    for incident in [world.send(each).incident["id"] for each in events]:
        night.planning.incident(incident, deadline())
        night.engine.attend(incident, deadline())
        for page in world.table.pages(incident, deadline()):
            night.planning.page(incident, page.page_no, page.user_id, deadline())
    return night


def call_respond(world: World) -> None:
    """A link with more than one incident behind it, a button in Slack, and the API all through."""
    world.clock.at = datetime.now(UTC)
    desk = Desk(
        world,
        os.environ["AWS_ENDPOINT_URL"],
        key_name=LINK_KEY,
        slack_name=SLACK_SECRET,
        through=respond.handler.on_request,
    )
    schedule = Schedule(id="sch_web", name="Web", zone="UTC")
    world.table.create([schedule], {}, token_hex(8), deadline())
    opened = [world.send(event(dedup_key=token_hex(4))).incident["id"] for _ in range(2)]
    first, second = (desk.delivery(each) for each in opened)
    told = [Bundled(incident_id=second.incident_id, delivery_id=second.id)]
    for item in bundle_items(first.id, told, world.clock(), timedelta(days=1)):
        world.table.client.put_item(TableName=world.table.name, Item=item)
    twilio.keep_account(desk.ssm, TWILIO)
    reported = {"MessageSid": f"SM{'a' * 32}", "MessageStatus": "delivered"}
    assert twilio.post(desk, "/twilio/status", **reported).status == 200
    path = desk.path(first)
    assert "All incidents of this message" in desk.ask(path).text
    assert "2 incidents wait for you" in desk.ask(desk.path(first, whole=True)).text
    desk.configured(services=[world.service.id], schedules=[schedule.id], users=["user_ada"])
    asked = desk.press(f"/incidents/{opened[1]}", email="ada@example.com")
    assert "on its way" in asked.text
    assert desk.press(path, "acknowledge").status == 303
    press = {"action_id": "resolve", "value": opened[0]}
    person = {"id": "U1", "username": "grace"}
    button = {"type": "block_actions", "user": person, "actions": [press]}
    assert desk.slack(button).status == 200
    ends = {"end": (world.clock() + timedelta(hours=1)).isoformat()}
    window = f"/api/services/{world.service.id}/maintenance"
    override = {"userId": "user_ben", "start": world.clock().isoformat(), **ends}
    new = {"title": "Fire", "serviceId": world.service.id}
    for method, route, body in (
        ("GET", "/api/incidents", None),
        ("GET", "/api/incidents?status=RESOLVED", None),
        ("GET", f"/api/incidents/{opened[1]}", None),
        ("POST", "/api/incidents", new),
        ("POST", f"/api/incidents/{opened[1]}/resolve", None),
        ("GET", "/api/services", None),
        ("POST", window, {"reason": "x", **ends}),
        ("GET", "/api/oncall", None),
        ("POST", "/api/schedules/sch_web/overrides", override),
    ):
        answer = desk.call(method, route, body)
        assert answer.status in (200, 201), answer
    public = PublicPage(names={world.service.id: "Payments"})
    page = StatusPage(id="page_x", name="X", service_ids=(world.service.id,), public=public)
    world.table.put_all([directory_item(page)], deadline())
    posts = "/api/status-pages/page_x/posts"
    said = {"title": "T", "text": "T", "services": {world.service.id: "down"}}
    post = desk.call("POST", posts, said).body["post"]["id"]
    assert desk.call("POST", f"{posts}/{post}/updates", {"text": "T"}).status == 200
    assert desk.call("DELETE", f"{posts}/{post}").status == 200
    assert desk.call("GET", "/api/status-pages").status == 200
    made = desk.call("GET", "/api/schedules/sch_web/overrides").body["overrides"][0]["id"]
    assert desk.call("DELETE", f"/api/schedules/sch_web/overrides/{made}").status == 200
    made = desk.call("GET", window).body["maintenance"][0]["id"]
    assert desk.call("DELETE", f"{window}/{made}").status == 200


def call_canary(world: World) -> None:
    with http_receiver(answers(202, b"{}")) as api:
        os.environ["API_URL"] = api.url
        canary.handler.on_schedule({}, CONTEXT)
    assert [each.path for each in api.requests] == ["/api/events", "/api/events"]


def call_keeping(world: World) -> None:
    desk = Desk(
        world,
        os.environ["AWS_ENDPOINT_URL"],
        through=respond.keeper.on_request,
    )
    desk.configured(services=[world.service.id])
    path = f"/api/keeping/services/{world.service.id}"
    made = desk.call("POST", f"{path}/integrations", {"name": "Nagios"})
    assert made.status == 201, made.body
    key = made.body["key"]["id"]
    rotated = desk.call("POST", f"{path}/keys/{key}/rotate")
    assert rotated.status == 201, rotated.body
    assert desk.call("POST", f"{path}/integrations/int_nagios/keys").status == 201
    assert desk.call("DELETE", f"{path}/keys/{rotated.body['key']['id']}").status == 200
    mine, phone = "/api/keeping/me/contact-methods", {"channel": "sms", "to": "+4915112345678"}
    waiting = desk.call("POST", mine, phone).body["waiting"]["id"]
    name = Owner.user("user_ada").destination(waiting)
    Receivers(world.table).confirm(name, phone["to"], clock.now(), deadline())
    assert desk.call("POST", f"{mine}/{waiting}/use").status == 200
    assert desk.call("POST", "/api/keeping/me/rules", {"rules": []}).status == 200


FILE = """
users:
  ada: {email: ada@example.com, role: ADMIN}
  ben: {email: ben@example.com, role: RESPONDER}
  cleo: {email: cleo@example.com, role: USER}
teams:
  web: {members: {ada: , ben: , cleo: }}
schedules:
  web: {zone: UTC, layers: {a: {users: [ada, ben], turn: 1d, handoff: "09:00", start: 2026-01-05}}}
policies:
  web: {steps: [{targets: [{schedule: web}]}], repeat: 1}
services:
  shop:
    team: web
    policy: web
    integrations: {nagios: Nagios, mail: Mail}
    receivers: {chat: {channel: discord, secret: c}}
status_pages:
  public: {services: [shop]}
reports:
  daily: {at: "08:00", zone: UTC, users: [ada]}
"""
# Changed, with less: schedule and policy, and a user and an integration that have keys.
LESS = (
    FILE.replace("[ada, ben]", "[ben, ada]")
    .replace("repeat: 1", "repeat: 2")
    .replace("  cleo: {email: cleo@example.com, role: USER}\n", "")
    .replace(", cleo: }", "}")
    .replace("nagios: Nagios, ", "")
)


def call_configuration(world: World) -> None:
    """Applied, and then changed and in part removed, with what has keys."""
    desk = Desk(world, os.environ["AWS_ENDPOINT_URL"], through=respond.configurator.on_request)
    admin = User(id="user_root", name="Root", email="root@example.com", role=Role.ADMIN)
    world.table.create([admin], {}, token_hex(8), deadline())
    desk.everything = desk.key("root", *SCOPES)
    path, less = "/api/configuration", {"prune": True, "force": True}
    for text, more in ((FILE, {}), (LESS, less)):
        planned = desk.call("POST", f"{path}/plan", {"text": text, **more})
        assert planned.status == 200, planned.body
        body = {"text": text, "revision": planned.body["revision"], **more}
        applied = desk.call("POST", f"{path}/apply", body)
        assert applied.status == 200, applied.body
        nagios = IntegrationKey(
            id="key_nagios",
            name="Nagios",
            created_at=clock.now(),
            service_id="svc_shop",
            integration_id="int_nagios",
        )
        if text is FILE:
            desk.key("cleo")
            world.table.create([], {key_hash("nagios"): nagios}, token_hex(8), deadline())
    assert desk.call("POST", f"{path}/validate", {"text": FILE}).body["valid"]
    assert desk.call("GET", f"{path}/text").body["owner"]["by"] == "console"
    [removed, changed, *_] = desk.call("GET", f"{path}/revisions").body["revisions"]
    assert {each["action"] for each in removed["changes"]} == {"remove"}
    assert {each["action"] for each in changed["changes"]} == {"update"}
    assert [it["ended_with_owner"]["BOOL"] for it in world.items() if "ended_with_owner" in it]


def call_console(world: World) -> None:
    desk = Desk(world, os.environ["AWS_ENDPOINT_URL"])
    desk.configured(services=["svc_checkout"], users=["user_ada", "user_ben"])
    with identity_provider(clock.now) as provider:
        # On this machine, it is reached by plain http.
        os.environ["LOCAL_INBOX"] = "http://127.0.0.1"
        settings = provider.settings(ADDRESS, secret=OIDC_SECRET)
        desk.ssm.put_parameter(Name=OIDC, Value=settings, Type="String")
        desk.ssm.put_parameter(Name=OIDC_SECRET, Value=SECRET, Type="SecureString")
        visitor = Visitor(console.handler.console())
        offered = Login(user_id="user_ada", ends_at=datetime.now(UTC) + LOGIN_LIFE)
        Sessions(world.table).offer(key_hash("x" * 43), offered, deadline())
        assert visitor.ask(f"/auth/{'x' * 43}", "POST").status == 303
        for way in ("oidc", "renew", "again"):
            assert visitor.log_in(f"/auth/{way}").status == 303
        assert visitor.ask("/auth/logout", "POST").status == 303
        assert visitor.ask("/console/incidents").status == 200
    # Without a provider, by a code.
    os.environ["OIDC_NAME"] = ""
    os.environ["SENDS_EMAIL"] = "yes"
    key = bytes(range(32))
    desk.ssm.put_parameter(Name=LINK_KEY, Value=key.hex(), Type="SecureString")
    console.handler.console.cache_clear()
    visitor = Visitor(console.handler.console())
    assert visitor.ask("/auth/mail", "POST", form={"email": "ada@example.com"}).status == 303
    [planned] = [
        each
        for each in world.items()
        if each["kind"]["S"] == "delivery" and each["about"]["S"] == "code"
    ]
    code = codes.code(planned["id"]["S"], key, "ada@example.com")
    assert visitor.ask("/auth/code", "POST", form={"code": code}).status == 303


def call_publish(world: World) -> None:
    """A page with a post that changes by itself, one that it makes, and one that is not public any
    more.
    """
    publisher = Publisher(world, bucket_name=PAGES_BUCKET)
    publisher.publish(automatic_after=timedelta(minutes=1))
    world.clock.at = datetime.now(UTC) - timedelta(hours=1)
    opened = world.send(event()).incident["id"]
    publisher.say(incident_id=opened, states={world.other_service.id: Shown.DOWN})
    do(world, opened, Note("Cards fail.", public=True))
    publisher.bucket.s3.put_object(Bucket=PAGES_BUCKET, Key="status/gone", Body=b"")
    for page_id in ("page_example", "page_gone"):
        told = {"Message": json.dumps({"pages": [page_id]})}
        status_worker.on_event({"Records": [{"Sns": told}]}, None)
    status_worker.on_event({}, None)
    posts = Posts(world.table).newest("page_example", deadline())
    assert sorted(each.automatic for each in posts) == [False, True]
    assert "status/example" in publisher.objects()
    assert "status/gone" not in publisher.objects()


def call_status(world: World) -> None:
    publisher = Publisher(world, bucket_name=PAGES_BUCKET)
    publisher.publish()
    publisher.render()
    for path, code in (("example", 200), ("none", 404)):
        answer = status_handler.on_request(
            http_event("", method="GET", path=f"/status/{path}"), None
        )
        assert answer["statusCode"] == code


CALLS = {
    "PublishFunction": call_publish,
    "StatusFunction": call_status,
    "ConsoleFunction": call_console,
    "KeepingFunction": call_keeping,
    "ConfigurationFunction": call_configuration,
    "CanaryFunction": call_canary,
    "SendFunction": call_send,
    "RespondFunction": call_respond,
    "EventsFunction": call_events,
    "EscalationFunction": call_escalation,
    "TimerFunction": call_timer,
    "TickFunction": call_tick,
    "NotifyFunction": call_notify,
}


@pytest.fixture(autouse=True)
def unmade() -> Iterator[None]:
    """A process that has not answered anything yet, before and after."""
    made: tuple[Any, ...] = (
        clients.rows,
        clients.counters,
        clients.sqs,
        clients.sns,
        clients.ssm,
        console.handler.console,
        events.handler.api,
        respond.handler.responder,
        respond.configurator.configurator,
        respond.keeper.keeper,
        escalation.handler.engine,
        escalation.handler.hold_memory,
        status_handler.pages,
        status_worker.worker,
        wiring.hold,
        wiring.queues,
        wiring.page_tracker,
        wiring.planning,
        wiring.sending,
        wiring.mirroring,
    )
    for each in made:
        each.cache_clear()
    yield
    for each in made:
        each.cache_clear()


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions wait one or two seconds for an answer of AWS, and have times of their own for what
    they do then. A server on a machine with much else to do may need longer, and what is asked here
    is who may do what.
    """
    create = EndpointCreator.create_endpoint

    def waits(self: Any, *args: Any, **more: Any) -> Any:
        return create(self, *args, **{**more, "timeout": (30, 30)})

    monkeypatch.setattr(EndpointCreator, "create_endpoint", waits)


def test_a_busy_machine_makes_no_call_fail(dynamodb_server: str) -> None:
    """As all clients of the functions are made here."""
    session: Any = aws.session()
    made = session.create_client(
        "ssm", endpoint_url=dynamodb_server, config=Config(connect_timeout=1, read_timeout=1)
    )
    assert made._endpoint.http_session._timeout.read_timeout == 30


def test_every_function_is_watched() -> None:
    assert set(CALLS) == set(functions())


@pytest.mark.parametrize("function", sorted(CALLS))
def test_a_function_may_do_what_it_does(
    function: str, server_world: World, dynamodb_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A server, as the functions also call SQS, SNS and SSM.
    names = {server_world.table.name: "Table", server_world.counters.name: "RatesTable"}
    queues = boto3.client("sqs", endpoint_url=dynamodb_server)
    urls = {name: queues.create_queue(QueueName=name)["QueueUrl"] for name in QUEUES}
    sns = boto3.client("sns", endpoint_url=dynamodb_server)
    topics = {name: sns.create_topic(Name=name)["TopicArn"] for name in TOPICS}
    names |= {place: name for name, place in (urls | topics).items()}
    known = {
        **{f"{name.upper()}_URL": url for name, url in urls.items()},
        "PAGES_HIGH_URL": urls["PagesHigh"],
        "EMAIL_FROM": "OpsKnight <oncall@example.com>",
        "VOICE_ORIGINATION": "+4930123456",
        "PUBLIC_URL": "https://oncall.example.com",
        "ALLOW_PRIVATE_TARGETS": "true",
        "LOCAL_INBOX": "",
        "SLACK_SECRET_NAMED_BY": SLACK_NAMED_BY,
        "SECRETS_PREFIX": "/opsknight/stack/secrets/",
        "SMS_ORIGINATION": "",
        "EMAIL_CONFIGURATION_SET": "opsknight",
        "PHONE_CONFIGURATION_SET": "",
        "FALLBACK_ARN": topics["FallbackTopic"],
        "RENDERS_ARN": topics["Renders"],
        "LINK_KEY_NAME": LINK_KEY,
        "SLACK_SIGNING_SECRET_NAME": SLACK_SECRET,
        "SLACK_WORKSPACES": "",
        "TWILIO_NAME": TWILIO,
        "OIDC_NAME": OIDC,
        "PAGES_BUCKET": PAGES_BUCKET,
        "STATUS_URL": "https://status.example.com",
        "TABLE_NAME": server_world.table.name,
        "RATES_TABLE_NAME": server_world.counters.name,
        "CORS_ORIGINS": "",
        "RETENTION_DAYS": "400",
        "AUDIT_DAYS": "365",
        "PLANS_PER_MINUTE": "1000",
        "SENDS_PER_MINUTE": "600",
        "HIGH_SENDS_PER_MINUTE": "600",
    }
    for name in known:
        monkeypatch.delenv(name, raising=False)
    for name in functions()[function]["Environment"]:
        monkeypatch.setenv(name, known.get(name, os.environ.get(name, "test")))
    for name in ("", "_SESV2", "_PINPOINT_SMS_VOICE_V2"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL{name}", dynamodb_server)
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", "INFO")
    aws.session.cache_clear()
    session: Any = aws.session()
    used: set[Grant] = set()

    def note(params: dict[str, Any], model: Any, **_: object) -> None:
        if model.name in ("SendMessage", "SendMessageBatch"):
            used.add(("sqs:SendMessage", names[params["QueueUrl"]]))
        elif model.name == "GetQueueAttributes":
            used.add(("sqs:GetQueueAttributes", names[params["QueueUrl"]]))
        elif model.name == "GetParameter":
            used.add(("ssm:GetParameter", f"parameter{params['Name']}"))
        elif model.name in ("Publish", "ListSubscriptionsByTopic"):
            used.add((f"sns:{model.name}", names[params["TopicArn"]]))
        elif model.name == "PutParameter":
            used.add(("ssm:PutParameter", f"parameter{params['Name']}"))
        elif model.name in ("GetObject", "HeadObject"):
            # To those who may not list, S3 does not say that something is not there.
            used.update([("s3:GetObject", "StatusPages/*"), ("s3:ListBucket", "StatusPages")])
        elif model.name in ("PutObject", "DeleteObject"):
            used.add((f"s3:{model.name}", "StatusPages/*"))
        elif model.name == "ListObjectsV2":
            used.add(("s3:ListBucket", "StatusPages"))
        elif model.name == "SendEmail":
            used.add(("ses:SendEmail", f"identity/{params['FromEmailAddress']}"))
            used.add(("ses:SendEmail", f"configuration-set/{params['ConfigurationSetName']}"))
        elif model.name in ("SendTextMessage", "SendVoiceMessage"):
            used.add((f"sms-voice:{model.name}", params.get("OriginationIdentity", "pool")))
        elif model.name == "DescribePhoneNumbers":
            used.add(("sms-voice:DescribePhoneNumbers", "pool"))
        else:
            judge([function], model.name, params)
            used.update(
                (f"dynamodb:{each.action}", each.resource) for each in touched(model.name, params)
            )

    for service in ("dynamodb", "s3", "sqs", "sns", "ssm", "sesv2", "pinpoint-sms-voice-v2"):
        session.register(f"provide-client-params.{service}", note)
    try:
        CALLS[function](server_world)
    finally:
        # The next test's calls are not this one's.
        aws.session.cache_clear()

    grants, needed = granted(function), used | in_its_name(function)
    assert {each for each in needed if not any(covers(grant, each) for grant in grants)} == set()
    assert {each for each in grants if not any(covers(each, need) for need in needed)} == set()


def covers(grant: Grant, needed: Grant) -> bool:
    """A `*` is in the few resources that are not named before they are used."""
    return grant[0] == needed[0] and fnmatchcase(needed[1], grant[1])


def granted(function: str) -> set[Grant]:
    """What the function's role allows, but for tracing."""
    role = of_type("AWS::IAM::Role")[functions()[function]["Role"]["Fn::GetAtt"][0]]
    assert "ManagedPolicyArns" not in role
    return {
        (action, resource)
        for statement in statements(function)
        for action in statement.actions
        for resource in statement.resources
    } - OPTIONAL


def in_its_name(function: str) -> set[Grant]:
    """What Lambda does with the function's role, by what the template asks of it."""
    grants = {
        (f"logs:{action}", functions()[function]["LoggingConfig"]["LogGroup"]["Ref"])
        for action in ("CreateLogStream", "PutLogEvents")
    }
    if mapping := stream_mappings().get(function):
        grants |= {
            (f"dynamodb:{action}", name_of(mapping["Stream"]))
            for action in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
        }
        queue = mapping["DestinationConfig"]["OnFailure"]["Destination"]
        grants.add(("sqs:SendMessage", name_of(queue)))
    asynchronous = functions()[function].get("EventInvokeConfig", {}).get("DestinationConfig")
    if asynchronous:
        grants.add(("sqs:SendMessage", name_of(asynchronous["OnFailure"]["Destination"])))
    for source in functions()[function].get("Events", {}).values():
        if source["Type"] == "SQS":
            queue = name_of(source["Properties"]["Queue"])
            reads = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
            grants |= {(f"sqs:{action}", queue) for action in reads}
    return grants


def test_no_two_functions_share_a_role() -> None:
    roles = [name_of(function["Role"]) for function in functions().values()]
    assert sorted(roles) == sorted(of_type("AWS::IAM::Role"))


def test_traces_are_allowed_only_while_tracing_is_on() -> None:
    for role in of_type("AWS::IAM::Role").values():
        (policy,) = role["Policies"]
        (choice,) = [
            statement["Fn::If"]
            for statement in policy["PolicyDocument"]["Statement"]
            if statement.get("Fn::If", [""])[0] == "Traced"
        ]
        condition, statement, otherwise = choice
        assert condition == "Traced"
        assert statement["Action"] == ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
        assert otherwise == {"Ref": "AWS::NoValue"}


@pytest.mark.parametrize("function", ["SendFunction", "RespondFunction"])
def test_a_key_of_ones_own_is_used_by_way_of_ssm_alone(function: str) -> None:
    role = of_type("AWS::IAM::Role")[functions()[function]["Role"]["Fn::GetAtt"][0]]
    [(condition, statement, _)] = [
        each["Fn::If"]
        for each in role["Policies"][0]["PolicyDocument"]["Statement"]
        if each.get("Fn::If", [""])[0] == "HasSecretsKey"
    ]
    assert template()["Conditions"][condition] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "SecretsKeyArn"}, ""]}]
    }
    assert statement["Resource"] == {"Ref": "SecretsKeyArn"}
    via = {"kms:ViaService": {"Fn::Sub": "ssm.${AWS::Region}.amazonaws.com"}}
    assert statement["Condition"] == {"StringEquals": via}


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("parameter/opsknight/stack/secrets/slack", True),
        ("parameter/opsknight-shared/slack", True),
        ("parameter/opsknight/stack/link-key", True),
        ("parameter/opsknight/other/link-key", False),
        ("parameter/opsknight/other/secrets/slack", False),
        ("parameter/opsknight/other/slack-signing-secret", False),
        ("parameter/somebody/else", False),
    ],
)
def test_a_sender_reads_its_own_secrets_and_shared_ones(name: str, allowed: bool) -> None:
    assert allows("SendFunction", "ssm:GetParameter", name) is allowed


WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem")
# What configures the deployment: people, policies, keys, and whether anything is sent at all.
DIRECTORY = [
    str(key["pk"]["S"])
    for key in (
        items.user_key("user_ada"),
        items.team_key("team_web"),
        items.policy_key("pol_1"),
        items.status_page_key("public"),
        items.preset_key("preset_tool"),
        items.AWS_RULES_KEY,
        items.HEAD_KEY,
        {"pk": items.KEYS},
        items.HOLD_KEY,
    )
]


@pytest.mark.parametrize("key", DIRECTORY)
@pytest.mark.parametrize("function", sorted(functions()))
def test_no_function_writes_what_the_command_line_writes(function: str, key: str) -> None:
    # A key is a revision, and listed. Of people it changes what is their own, and makes none.
    keeps = function == "KeepingFunction" and key in (items.HEAD_KEY["pk"]["S"], items.KEYS["S"])
    people = function == "KeepingFunction" and key.startswith("user#")
    # What a file can say, another applies: no keys, and no hold.
    applies = function == "ConfigurationFunction"
    applies = applies and key not in (items.KEYS["S"], items.HOLD_KEY["pk"]["S"])
    for action in WRITES:
        may = allows(function, f"dynamodb:{action}", "Table", [key])
        changes = people and action == "UpdateItem"
        writes = applies and action != "BatchWriteItem"
        assert may is (writes or changes or (keeps and action in ("PutItem", "UpdateItem")))
        # Nor as a part of something larger.
        assert not allows(function, f"dynamodb:{action}", "Table", ["incident#inc_1", key])


@pytest.mark.parametrize("name", ["role", "email", "disabled", "team_ids"])
def test_nobody_is_given_power_by_what_they_may_change_of_themselves(name: str) -> None:
    def may(*attributes: str) -> bool:
        asked = ["user#user_ada", "configuration"], ["pk", "revision", *attributes]
        return allows("KeepingFunction", "dynamodb:UpdateItem", "Table", *asked)

    assert may("contact_methods", "own")
    assert not may("contact_methods", "own", name)


@pytest.mark.parametrize("function", sorted(functions()))
def test_one_function_makes_keys_and_the_canary_its_own(function: str) -> None:
    for action in ("PutItem", "DeleteItem", "BatchWriteItem"):
        may = allows(function, f"dynamodb:{action}", "Table", ["key#5a1d"])
        makes = function in ("CanaryFunction", "KeepingFunction")
        # One is of no use without its owner, so whoever removes owners may remove it as well.
        ends = function == "ConfigurationFunction" and action == "DeleteItem"
        assert may is (ends or (makes and action == "PutItem"))


@pytest.mark.parametrize("name", ["user_id", "scopes", "integration_id", "disabled", "created_at"])
def test_whoever_applies_ends_keys_and_begins_none(name: str) -> None:
    def may(*attributes: str) -> bool:
        asked = ["key#5a1d", "user#user_ada", "configuration"], ["pk", "sk", *attributes]
        return allows("ConfigurationFunction", "dynamodb:UpdateItem", "Table", *asked)

    assert may("ends_at", "ended_with_owner", "revision", "owner")
    assert not may("ends_at", name)


@pytest.mark.parametrize("function", sorted(functions()))
def test_the_console_alone_begins_sessions_and_people_end_theirs(function: str) -> None:
    """Whoever writes one is whoever they like, in everything."""
    logs_in = function == "ConsoleFunction"
    for key in ("login#5a1d", "session#5a1d", "sessions#user_ada"):
        for action in ("PutItem", "UpdateItem", "BatchWriteItem"):
            # Whose it is, and how long it lasts.
            asked = [key], ["pk", "sk", "user_id", "ends_at"]
            may = allows(function, f"dynamodb:{action}", "Table", *asked)
            assert may is (logs_in and action in ("PutItem", "UpdateItem"))
        ends = function == "RespondFunction" and not key.startswith("login#")
        assert allows(function, "dynamodb:DeleteItem", "Table", [key]) is (logs_in or ends)


@pytest.mark.parametrize("function", sorted(functions()))
def test_the_functions_by_which_people_act_write_the_audit_log(function: str) -> None:
    """Whoever changes nothing for people has no say in it either."""
    key = str(items.audit_entry_key(datetime(2026, 11, 23, tzinfo=UTC))["pk"]["S"])
    may = {each for each in WRITES if allows(function, f"dynamodb:{each}", "Table", [key])}
    acts = function in (
        *("ConfigurationFunction", "ConsoleFunction", "KeepingFunction"),
        "RespondFunction",
    )
    assert ("UpdateItem" in may) is acts
    assert not may or acts
    # With it nobody reroutes a service but the function that applies the configuration.
    asked = [key, "service#svc_1"], ["pk", "sk", "kind", "entry", "expires_at", "policy_id"]
    applies = function == "ConfigurationFunction"
    assert allows(function, "dynamodb:UpdateItem", "Table", *asked) is applies
    reads = function not in ("ConsoleFunction",)
    assert reads or not allows(function, "dynamodb:GetItem", "Table", [key])


@pytest.mark.parametrize("function", sorted(functions()))
def test_the_canary_writes_its_own_entries_and_others_write_none_of_them(function: str) -> None:
    its_own = [f"user#{SERVICE_ID}", f"policy#{SERVICE_ID}", f"service#{SERVICE_ID}"]
    for key in its_own:
        may = allows(function, "dynamodb:PutItem", "Table", [key])
        keeps = function == "KeepingFunction" and key.startswith("service#")
        # Its ids are none that a file can name, but no role knows that.
        assert may is (function in ("CanaryFunction", "ConfigurationFunction") or keeps)


@pytest.mark.parametrize("function", sorted(functions()))
def test_people_alone_change_schedules_and_services(function: str) -> None:
    def may(action: str, key: str) -> bool:
        return allows(function, f"dynamodb:{action}", "Table", [key])

    applies = function == "ConfigurationFunction"
    responds = function == "RespondFunction"
    changes = may("PutItem", "schedule#sch_1")
    assert changes is may("DeleteItem", "schedule#sch_1") is (responds or applies)
    keeps = function == "KeepingFunction"
    assert may("UpdateItem", "service#svc_1") is (responds or keeps or applies)
    # An integration lies with its service.
    assert may("PutItem", "service#svc_1") is (keeps or applies)
    assert may("DeleteItem", "service#svc_1") is applies


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"dynamodb:Select": "COUNT"}},
        {"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": ["a"]}},
        {"ForAllValues:StringLike": {"dynamodb:Attributes": ["a"]}},
        {"ForAnyValue:StringEquals": {"dynamodb:Attributes": ["a"]}},
    ],
)
def test_a_condition_that_is_not_understood_is_no_permission(condition: dict[str, Any]) -> None:
    written = {"Effect": "Allow", "Action": "a", "Resource": "b", "Condition": condition}
    with pytest.raises(AssertionError, match="not read here"):
        statement(written)


@pytest.mark.parametrize(
    "name", ["/opsknight-shared/x", "/opsknight/opsknight/secrets/x", "slack", ""]
)
@pytest.mark.parametrize("setting", ["SlackSigningSecretName", "TwilioTokenName", "OidcSecretName"])
def test_no_receiver_can_name_the_deployment_s_own_secrets(setting: str, name: str) -> None:
    pattern = template()["Parameters"][setting]["AllowedPattern"]
    # A client of an identity provider may have none.
    assert not re.fullmatch(pattern, name) or (setting == "OidcSecretName" and not name)
    assert re.fullmatch(pattern, template()["Parameters"][setting]["Default"])


@pytest.mark.parametrize("function", sorted(CALLS))
def test_no_action_is_wild_and_no_resource_is_anything(function: str) -> None:
    for action, resource in granted(function):
        assert "*" not in action
        assert "Scan" not in action
        # Numbers have no names, and whoever texts chooses among them: by account and region only.
        assert resource != "*" or action.startswith("sms-voice:")
