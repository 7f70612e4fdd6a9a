"""The doctor on a whole account: its findings, its exit codes, and services that do not answer."""

import io
import json
import threading
from collections.abc import Iterable
from datetime import timedelta
from importlib.metadata import version
from typing import Any

import pytest

from harness.account import Refusal, Scripted, confirm_all
from harness.dynamodb import template
from harness.pipeline import Pipeline
from harness.post import PAGES_HIGH
from harness.shell import Shell
from harness.world import World, deadline, event
from opsknight.config.configuration import Configuration
from opsknight.directory.heartbeats import Heartbeat
from opsknight.health.configuration_findings import destinations
from opsknight.health.findings import Finding, Verdict, ok
from opsknight.runtime.queues import Queue
from opsknight.store.configurations import Configurations
from opsknight.store.heartbeats import Heartbeats
from opsknight.store.items import HOLD_KEY
from opsknight.store.receivers import Receivers
from opsknight_cli.doctor.running import run

FILE = """\
users:
  ada:
    email: ada@example.com
    role: ADMIN
    contact_methods:
      mail: {channel: email, to: ada@example.com}
      phone: {channel: sms, to: "+447700900001"}
      chat: {channel: slack, to: U1, secret: slack-token}
teams: {web: {members: {ada: }}}
policies: {one: {steps: [{targets: [{user: ada}]}]}}
services: {checkout: {team: web, policy: one}}
"""


@pytest.fixture
def shell(world: World) -> Shell:
    shell = Shell(world, account=Scripted(world))
    # The world's own service gets a policy by it.
    assert shell.opsknight("apply", "-", "--yes", stdin=FILE).code == 0
    confirm_all(world)
    return shell


def examined(shell: Shell, code: int) -> dict[str, list[dict[str, Any]]]:
    said = shell.opsknight("doctor", "--json")
    assert said.code == code, said.all
    found: dict[str, list[dict[str, Any]]] = {}
    for each in json.loads(said.out)["checks"]:
        found.setdefault(each["check"], []).append(each)
    return found


def account(shell: Shell) -> Scripted:
    assert shell.account is not None
    return shell.account


def test_all_is_well(shell: Shell) -> None:
    found = examined(shell, 0)
    assert {each["verdict"] for it in found.values() for each in it} == {"ok"}
    assert len(found) == 28


def test_what_nobody_has_confirmed_in_ninety_days_is_a_warning(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.world.clock.advance(days=91)
    [found] = examined(shell, 2)["confirmed"]
    assert found["said"] == (
        "3 of 3 contact methods have not been confirmed in 90 days: chat of user ada, mail of user"
        " ada, phone of user ada."
    )
    night = Pipeline(shell.world, ticking=False)
    shell.pages = Queue(night.post.sqs(), PAGES_HIGH)

    def wait(seconds: float) -> None:
        night.wait(seconds=seconds)

    shell.sleep = wait
    monkeypatch.setattr("sys.stdin", io.StringIO("y\nn\ny\n"))
    said = shell.opsknight("contact", "test", "ada", "--confirm")
    assert said.code == 0, said.all
    [found] = examined(shell, 2)["confirmed"]
    assert found["said"].startswith("1 of 3 "), found
    confirm_all(shell.world)
    changed = FILE.replace("ada@example.com}", "ada@example.org}")
    assert shell.opsknight("apply", "-", "--yes", stdin=changed).code == 0
    [found] = examined(shell, 2)["confirmed"]
    assert "mail of user ada" in found["said"], "another address is not the one that works"


def test_what_is_served_is_compared_with_what_was_deployed(shell: Shell) -> None:
    def configuration(asked: Any) -> dict[str, Any]:
        found = {"State": "Active", "LastUpdateStatus": "Successful", "LastModified": "x"}
        is_served, name = "Qualifier" in asked, asked["FunctionName"]
        layer = "2" if name.startswith("Events") and is_served else "3"
        level = "secret-1" if name.startswith("Send") and is_served else "secret-2"
        return found | {
            "Version": "7" if is_served else "$LATEST",
            "CodeSha256": "1" if name.startswith("Tick") and is_served else "2",
            "Layers": [{"Arn": f"arn:aws:lambda:eu-west-1:1:layer:common:{layer}"}],
            "Environment": {"Variables": {"LOG_LEVEL": level, "SAME": "x"}},
        }

    account(shell).answers["lambda.GetFunctionConfiguration"] = configuration
    said = [each["said"] for each in examined(shell, 3)["versions"]]
    assert said == [
        "Events serves version 7, which differs from the newest in: layers.",
        "Send serves version 7, which differs from the newest in: settings (LOG_LEVEL).",
        "Tick serves version 7, which differs from the newest in: code.",
    ]


def test_a_version_that_was_published_and_serves_nobody_is_named_with_its_parameters(
    shell: Shell,
) -> None:
    """A deploy that changed the log's level alone, and moved no alias."""
    told = account(shell).answers
    healthy: Any = told["lambda.GetFunctionConfiguration"]
    told["lambda.GetFunctionConfiguration"] = healthy | {"Description": "INFO 400 Active arm64"}

    def listed(asked: Any) -> dict[str, Any]:
        if not asked["FunctionName"].startswith("Tick"):
            return {"Versions": [{"Version": "$LATEST"}, {"Version": "7"}]}
        if "Marker" not in asked:
            return {"Versions": [{"Version": "$LATEST"}, {"Version": "7"}], "NextMarker": "more"}
        return {"Versions": [{"Version": "10", "Description": "DEBUG 400 Active arm64"}]}

    told["lambda.ListVersionsByFunction"] = listed
    [found] = examined(shell, 3)["versions"]
    assert found["said"] == (
        "Tick serves version 7 (INFO 400 Active arm64); version 10 (DEBUG 400 Active arm64) was "
        "published later."
    )


def test_a_shift_under_way_is_a_warning(shell: Shell) -> None:
    account(shell).answers["lambda.GetAlias"] = {
        "RoutingConfig": {"AdditionalVersionWeights": {"8": 0.1}}
    }
    assert {each["verdict"] for each in examined(shell, 2)["versions"]} == {"warning"}


def test_old_versions_with_snapstart_are_named_with_their_cost(shell: Shell) -> None:
    told = account(shell).answers
    healthy: Any = told["lambda.GetFunctionConfiguration"]
    told["lambda.GetFunctionConfiguration"] = lambda asked: (
        healthy
        | (
            {"SnapStart": {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}}
            if asked["FunctionName"].startswith("Events")
            else {}
        )
    )
    told["lambda.ListVersionsByFunction"] = {
        "Versions": [{"Version": each} for each in ("$LATEST", "5", "6", "7")]
    }
    [found] = examined(shell, 2)["versions"]
    assert found["said"] == "Events has 2 versions that serve nobody."
    assert "--qualifier 5" in found["mend"]
    assert "--qualifier 7" not in found["mend"]


def test_a_hold_is_a_failure_and_an_unreadable_one_a_warning(shell: Shell) -> None:
    assert shell.opsknight("hold", "on", "--for", "1h", "--reason", "deploy").code == 0
    [found] = examined(shell, 3)["hold"]
    assert 'by grace: "deploy"' in found["said"]
    shell.world.table.client.update_item(
        TableName=shell.world.table.name,
        Key=HOLD_KEY,
        UpdateExpression="SET spells = :nonsense",
        ExpressionAttributeValues={":nonsense": {"N": "7"}},
    )
    assert [each["verdict"] for each in examined(shell, 2)["hold"]] == ["warning"]


def test_a_receiver_that_is_down_is_named(shell: Shell) -> None:
    receivers, now = Receivers(shell.world.table), shell.world.clock()
    slot, token = "slot_0", "one"
    [destination] = [
        each
        for each, name in destinations(configuration(shell)).items()
        if name == "phone of user ada"
    ]
    sets = {"failing_since": now, "failures": 7, "circuit_open_until": now}
    receivers.acquire_slot(destination, slot, token, now, deadline())
    receivers.release_slot(destination, slot, token, sets, deadline())
    [told] = examined(shell, 2)["receivers"]
    assert told["verdict"] == "warning"
    assert told["said"].startswith("phone of user ada has failed 7 times since 2026-11-")
    healed = {"circuit_open_until": None}
    receivers.acquire_slot(destination, slot, token, now, deadline())
    receivers.release_slot(destination, slot, token, healed, deadline())
    assert [each["verdict"] for each in examined(shell, 0)["receivers"]] == ["ok"]


def configuration(shell: Shell) -> Configuration:
    return Configurations(shell.world.table).read(deadline()).configuration


@pytest.mark.parametrize(
    ("operation", "answer", "check", "verdict", "code"),
    [
        ("lambda.GetFunctionConfiguration", {"State": "Failed"}, "functions", "failed", 3),
        ("lambda.GetEventSourceMapping", {"State": "Disabled"}, "streams", "failed", 3),
        ("lambda.GetEventSourceMapping", {"State": "Disabled"}, "queue readers", "failed", 3),
        (
            "sqs.GetQueueAttributes",
            {"Attributes": {"ApproximateNumberOfMessages": "29000"}},
            "queues",
            "failed",
            3,
        ),
        (
            "sqs.GetQueueAttributes",
            {"Attributes": {"ApproximateNumberOfMessages": "1"}},
            "failure queues",
            "failed",
            3,
        ),
        (
            "sns.ListSubscriptionsByTopic",
            {"Subscriptions": [{"SubscriptionArn": "PendingConfirmation"}]},
            "fallback topic",
            "failed",
            3,
        ),
        ("ssm.DescribeParameters", {"Parameters": []}, "secrets", "failed", 3),
        (
            "lambda.GetAccountSettings",
            {"AccountLimit": {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10}},
            "concurrency",
            "warning",
            2,
        ),
        ("sesv2.GetEmailIdentity", Refusal("NotFoundException", 404), "e-mail", "failed", 3),
        (
            "pinpoint-sms-voice-v2.DescribeAccountAttributes",
            {"AccountAttributes": [{"Name": "ACCOUNT_TIER", "Value": "SANDBOX"}]},
            "phone",
            "failed",
            3,
        ),
        ("sesv2.GetAccount", Refusal("AccessDeniedException", 403), "e-mail", "not checked", 2),
        ("cloudwatch.DescribeAlarms", Refusal("InvalidAction"), "alarms", "not checked", 2),
        ("cloudwatch.DescribeAlarms", {}, "alarms", "not checked", 2),
        ("cloudwatch.DescribeAlarms", {"MetricAlarms": []}, "alarms", "failed", 3),
        ("sts.GetCallerIdentity", Refusal("ExpiredToken", 403), "credentials", "failed", 3),
    ],
)
def test_each_answer_has_its_verdict(
    shell: Shell, operation: str, answer: Any, check: str, verdict: str, code: int
) -> None:
    account(shell).answers[operation] = answer
    found = examined(shell, code)
    assert {each["verdict"] for each in found[check]} == {verdict}
    if verdict in ("failed", "warning"):
        assert all(each["mend"] for each in found[check])


def test_without_a_sender_people_are_not_reached(shell: Shell) -> None:
    account(shell).parameters["EmailFrom"] = ""
    assert examined(shell, 3)["e-mail"][0]["verdict"] == "failed"


def test_another_version_is_a_warning(shell: Shell) -> None:
    account(shell).version = "0.0.1"
    assert examined(shell, 2)["version"][0]["verdict"] == "warning"


def test_the_template_says_the_version_of_the_code() -> None:
    assert template()["Outputs"]["Version"]["Value"] == version("opsknight")


def test_a_monitor_that_opens_an_incident_for_each_event_is_found(shell: Shell) -> None:
    for number in range(3):
        key = f"cpu web-01 {1_795_000_000 + number}"
        shell.world.send(event(dedup_key=key, service_id="svc_checkout"), key=shell.world.api_key)
    [found] = examined(shell, 2)["dedup keys"]
    assert "checkout" in found["said"]
    assert "1795000000" in found["said"]


def test_without_a_configuration_nothing_is_said_of_it(shell: Shell) -> None:
    table = shell.world.table
    table.client.update_item(
        TableName=table.name,
        Key={"pk": {"S": "user#user_ada"}, "sk": {"S": "user"}},
        UpdateExpression="SET #role = :nonsense",
        ExpressionAttributeNames={"#role": "role"},
        ExpressionAttributeValues={":nonsense": {"N": "7"}},
    )
    found = examined(shell, 2)
    assert found["configuration"][0]["verdict"] == "not checked"
    assert found["services"][0]["verdict"] == "not checked"
    assert found["functions"][0]["verdict"] == "ok"


def test_without_the_stack_it_says_so_once(shell: Shell) -> None:
    account(shell).answers["cloudformation.DescribeStacks"] = Refusal("ValidationError")
    found = examined(shell, 3)
    assert list(found) == ["credentials", "stack", "everything else"]


def test_who_hangs_is_not_waited_for() -> None:
    end = threading.Event()

    def hangs() -> Iterable[Finding]:
        end.wait(30)
        yield ok("slow", "too late")

    found = run({"slow": hangs, "quick": lambda: [ok("quick", "yes")]}, 0.2)
    end.set()
    assert [(each.check, each.verdict) for each in found] == [
        ("slow", Verdict.NOT_CHECKED),
        ("quick", Verdict.OK),
    ]


def test_heartbeats_that_never_beat_are_named(shell: Shell) -> None:
    """Before its first beat nobody is paged for one."""
    beating = ", integrations: {backup: {heartbeat: {every: 5m}}}}"
    assert (
        shell.opsknight(
            "apply", "-", "--yes", stdin=FILE.replace("one}}\n", f"one{beating}}}\n")
        ).code
        == 0
    )
    [found] = examined(shell, 2)["heartbeats"]
    assert "backup of service checkout" in found["said"]
    rows, now = Heartbeats(shell.world.table), shell.world.clock()
    where = "svc_checkout", "int_backup"
    rows.beat(*where, Heartbeat(every=timedelta(minutes=5)), now, deadline())
    [found] = examined(shell, 0)["heartbeats"]
    assert found["verdict"] == "ok"
    # Without it each silence of a few senders counts as one of ours.
    account(shell).parameters["CanaryMinutes"] = "10"
    [found] = examined(shell, 2)["heartbeats"]
    assert "flies every 10 minutes" in found["said"]
    account(shell).parameters["CanaryMinutes"] = "5"
    rows.fail(*where, "exit code 1", now, deadline())
    [found] = examined(shell, 2)["heartbeats"]
    assert found["said"].startswith("Down or late: backup")
