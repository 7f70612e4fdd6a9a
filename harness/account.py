"""An AWS account for `doctor`: real clients whose answers are data, and the DynamoDB of a world."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSResponse

from harness import clients
from harness.world import World
from opsknight.directory.receivers import Owner
from opsknight.notification.recipients import methods
from opsknight.store.calls import Deadline
from opsknight.store.configurations import Configurations
from opsknight.store.receivers import Receivers
from opsknight_cli.deployments import Account
from opsknight_cli.doctor.checks import FAILURES, FUNCTIONS, QUEUE_READERS, QUEUES, STREAMS

ALARMS = ("PageFailedAlarm", "OverdueAlarm")
TOPIC = "arn:aws:sns:eu-west-1:123456789012:opsknight"


def confirm_all(world: World) -> None:
    """Everybody has shown just now that their contact methods work."""
    receivers, found = Receivers(world.table), Configurations(world.table).read(Deadline.after(5))
    for user in found.configuration.users.values():
        for each in methods(user):
            name = Owner.user(user.id).destination(each.id)
            receivers.confirm(name, each.to, world.clock(), Deadline.after(5))


@dataclass
class Refusal:
    code: str
    status: int = 400


type Answered = Mapping[str, Any] | Refusal


def resources(world: World) -> list[dict[str, str]]:
    kinds = {
        **{f"{name}Function": "AWS::Lambda::Function" for name in FUNCTIONS},
        **dict.fromkeys((*STREAMS, *QUEUE_READERS), "AWS::Lambda::EventSourceMapping"),
        **dict.fromkeys((*QUEUES, *FAILURES), "AWS::SQS::Queue"),
        **dict.fromkeys(("AlarmTopic", "FallbackTopic"), "AWS::SNS::Topic"),
        **dict.fromkeys(ALARMS, "AWS::CloudWatch::Alarm"),
        "Table": "AWS::DynamoDB::Table",
    }
    places = {"AWS::SQS::Queue": "https://sqs.invalid/1/", "AWS::SNS::Topic": f"{TOPIC}-"}
    return [
        {
            "LogicalResourceId": name,
            # The id of an event source mapping has 36 characters.
            "PhysicalResourceId": world.table.name
            if name == "Table"
            else f"{places.get(kind, '')}{name}".ljust(36, "-"),
            "ResourceType": kind,
        }
        for name, kind in kinds.items()
    ]


@dataclass
class Scripted:
    """A healthy account, until a test changes an answer. Answers are by service and operation; an
    answer that is a function gets the parameters of the call.
    """

    world: World
    parameters: dict[str, str] = field(
        default_factory=lambda: {
            "RetentionDays": "400",
            "EmailFrom": "OpsKnight <oncall@example.com>",
            "VoiceOrigination": "+447700900099",
            "SlackSigningSecretName": "/opsknight/slack-signing-secret",
        }
    )
    version: str = "0.1.0"
    answers: dict[str, Answered | Callable[[Any], Answered]] = field(init=False)
    other: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Clients of a test's own, by service."""

    def __post_init__(self) -> None:
        self.answers = {
            "sts.GetCallerIdentity": {"Arn": "arn:aws:iam::123456789012:user/ada"},
            "cloudformation.DescribeStacks": lambda _: {"Stacks": [self._stack()]},
            "cloudformation.ListStackResources": {
                "StackResourceSummaries": resources(self.world),
            },
            "lambda.GetFunctionConfiguration": {
                "State": "Active",
                "Version": "7",
                "LastUpdateStatus": "Successful",
                "LastModified": "2026-11-20T09:30:00.000+0000",
                "Environment": {
                    "Variables": {
                        "PLANS_PER_MINUTE": "1000",
                        "HIGH_SENDS_PER_MINUTE": "600",
                        "SENDS_PER_MINUTE": "600",
                    }
                },
            },
            "lambda.ListVersionsByFunction": {"Versions": [{"Version": "7"}]},
            "lambda.GetAlias": {"Name": "live", "FunctionVersion": "7"},
            "lambda.GetEventSourceMapping": {"State": "Enabled", "LastProcessingResult": "OK"},
            "lambda.GetAccountSettings": {
                "AccountLimit": {
                    "ConcurrentExecutions": 1000,
                    "UnreservedConcurrentExecutions": 1000,
                }
            },
            "sqs.GetQueueAttributes": {"Attributes": {"ApproximateNumberOfMessages": "0"}},
            "cloudwatch.GetMetricData": {"MetricDataResults": []},
            "cloudwatch.DescribeAlarms": {
                "MetricAlarms": [
                    {"AlarmName": name, "StateValue": "OK", "ActionsEnabled": True}
                    for name in ALARMS
                ]
            },
            "sns.ListSubscriptionsByTopic": {
                "Subscriptions": [{"SubscriptionArn": f"{TOPIC}:1", "Endpoint": "a@example.com"}]
            },
            "sns.GetSubscriptionAttributes": {
                "Attributes": {"ConfirmationWasAuthenticated": "true"}
            },
            "ssm.DescribeParameters": lambda params: {
                "Parameters": [
                    {"Name": name, "Type": "SecureString"}
                    for name in params["ParameterFilters"][0]["Values"]
                ]
            },
            "sesv2.GetAccount": {
                "ProductionAccessEnabled": True,
                "SendingEnabled": True,
                "SendQuota": {"Max24HourSend": 50000.0, "SentLast24Hours": 12.0},
            },
            "sesv2.GetEmailIdentity": {"VerifiedForSendingStatus": True},
            "pinpoint-sms-voice-v2.DescribeAccountAttributes": {
                "AccountAttributes": [{"Name": "ACCOUNT_TIER", "Value": "PRODUCTION"}]
            },
            "pinpoint-sms-voice-v2.DescribeSpendLimits": {
                "SpendLimits": [
                    {"Name": f"{kind}_MESSAGE_MONTHLY_SPEND_LIMIT", "EnforcedLimit": 100}
                    for kind in ("TEXT", "VOICE")
                ]
            },
        }

    def account(self) -> Account:
        return Account("stack opsknight", "opsknight", self._client)

    def _stack(self) -> dict[str, Any]:
        outputs = {"TableName": self.world.table.name, "ApiUrl": "x", "Version": self.version}
        return {
            "StackStatus": "UPDATE_COMPLETE",
            "Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in outputs.items()],
            "Parameters": [
                {"ParameterKey": k, "ParameterValue": v} for k, v in self.parameters.items()
            ],
        }

    def _client(self, service: str) -> Any:
        if service in self.other:
            return self.other[service]
        if service == "dynamodb":
            return self.world.table.client
        client = clients.client(service, region="eu-west-1")

        def answer(model: Any, params: Any, context: Any, **_: object) -> Any:
            given = self.answers[f"{service}.{model.name}"]
            asked = context.get("asked", {})
            found = given(asked) if callable(given) else given
            raw: Any = None
            headers: Any = {}
            status = found.status if isinstance(found, Refusal) else 200
            body: dict[str, Any] = {"ResponseMetadata": {"HTTPStatusCode": status}}
            if isinstance(found, Refusal):
                body |= {"Error": {"Code": found.code, "Message": found.code}}
            else:
                body |= found
            return AWSResponse("http://hook/", status, headers, raw), body

        def note(params: Any, context: Any, **_: object) -> None:
            context["asked"] = params

        client.meta.events.register(f"before-parameter-build.{service}", note)
        client.meta.events.register(f"provide-client-params.{service}", note)
        client.meta.events.register("before-call", answer)
        return client
