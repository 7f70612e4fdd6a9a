"""Scenes on a terminal: incidents, test messages, simulations and the doctor."""

import json

from harness.account import Refusal, Scripted, confirm_all
from harness.world import event
from notify.channels.protocol import PermanentFailure, Sent, TemporaryFailure
from tests.integration.play import EXAMPLES, Play, nights, small, without_chance
from tests.integration.scenes_configuration import NIGHTLY

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
    play.types("incidents", "also-page", replica[:18], "--schedule", "shop")
    play.types("incidents", "also-page", replica[:18], "--team", "shpo", code=1)
    play.types("incidents", "also-page", replica[:18], "--user", "ada", "--team", "shop", code=64)
    play.types("incidents", "reassign", replica[:18], "ada")
    play.types("incidents", "ack", replica[:18])
    play.types("incidents", "resolve", disk[:18], latency[:18])
    play.types("incidents", "resolve", disk, code=1)
    play.types("incidents", "list")
    play.types("incidents", "list", "--resolved")
    play.types("incidents", "list", "--all")
    play.types("incidents", "show", latency)
    without_chance(play)


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
    play.types("incidents", "watch", "--status", "resolved", code=64)
    without_chance(play)


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
    play.forget_last()
    play.types("simulate", "-", stdin=EVENT, code=64)
    play.types("simulate", "-", "--service", "chekout", stdin=EVENT, code=1)
    play.types("simulate", "-", "--service", "checkout", stdin="{}", code=1)
    play.types("simulate", "-", "--service", "checkout", stdin="{", code=1)
    play.types("simulate", "-", "--service", "checkout", stdin=EVENT)
    by_her_clock = ["--at", "22:00", "--as", "ada"]
    play.types("simulate", "-", "--service", "payments", *by_her_clock, stdin=EVENT)
    later = ["--service", "reports", "--at", "2026-11-28 12:00"]
    play.types("simulate", "-", *later, stdin=json.dumps(event(severity="info")))
    window = ["--for", "90m", "--reason", "New database"]
    play.types("maintenance", "start", "checkout", *window)
    play.forget_last()
    play.types("simulate", "-", "--service", "checkout", stdin=EVENT)
    play.types("simulate", "-", *later, "--json", stdin=EVENT)
    play.types("simulate", "-", "--service", "gateway", stdin=json.dumps(event("resolve")))


def simulate_a_gap(play: Play) -> None:
    nobody = NIGHTLY.replace("services:", "services:\n  night: {team: nobody, policy: late}")
    valid = nobody.replace("{schedule: empty}", "{user: ada}").replace(
        "attic: {team: nobody}", "attic: {team: web}"
    )
    play.types("apply", "-", "--yes", "--json", stdin=valid)
    play.forget_last()
    play.types("simulate", "-", "--service", "night", stdin=EVENT)
    play.types("simulate", "-", "--service", "shop", stdin=EVENT)


def doctor(play: Play) -> None:
    play.types("apply", "-", "--yes", "--json", stdin=small())
    play.forget_last()
    account = Scripted(play.shell.world)
    play.shell.account = account
    confirm_all(play.shell.world)
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
                    "AlarmName": "OverdueAlarm",
                    "StateValue": "ALARM",
                    "AlarmDescription": "Something was due for over two minutes and is not done: "
                    'pages are late. docs/operations.md: "Something is overdue"',
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
