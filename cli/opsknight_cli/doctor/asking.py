"""What the checks ask of AWS and the table. Each asks one thing, and has it judged."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr
from itertools import batched
from typing import Any, Final

from botocore.exceptions import ClientError

from opsknight.config.configuration import Configuration
from opsknight.directory.receivers import Channel
from opsknight.incident.model import ACTIVE, Status
from opsknight.store.calls import Deadline
from opsknight.store.listings import Listings, Wanted
from opsknight.store.receivers import Receivers
from opsknight.store.table import Table
from opsknight_cli.doctor import judging
from opsknight_cli.doctor.judging import Finding, failed, ok

FUNCTIONS: Final = ("Events", "Respond", "Escalation", "Timer", "Tick", "Notify", "Send")
STREAMS: Final = ("EscalationFunctionStream", "NotifyFunctionStream")
QUEUE_READERS: Final = (
    "TimerFunctionTimers",
    "NotifyFunctionPlans",
    "SendFunctionPages",
    "SendFunctionNotices",
)
QUEUES: Final = ("Timers", "Plans", "Pages", "Notices")
FAILURES: Final = (*(f"{name}Failures" for name in QUEUES), "EscalationFailures", "NotifyFailures")
MOST_SAMPLED: Final = 100
MOST_SERVICES: Final = 10
_FUNCTION: Final = "AWS::Lambda::Function"
_MAPPING: Final = "AWS::Lambda::EventSourceMapping"
_ALARM: Final = "AWS::CloudWatch::Alarm"


@dataclass(frozen=True, slots=True)
class Resource:
    kind: str
    physical: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a deployment before it is looked into."""

    client: Callable[[str], Any]
    parameters: Mapping[str, str]
    resources: Mapping[str, Resource]
    """By logical id."""
    configuration: Configuration
    table: Table
    stack: str
    now: datetime
    patience: float
    """Seconds that one check has."""

    def of_kind(self, kind: str) -> dict[str, str]:
        return {name: it.physical for name, it in self.resources.items() if it.kind == kind}

    @property
    def is_local(self) -> bool:
        """Whether the inbox stands for all providers."""
        return bool(self.parameters.get("LocalInbox"))


type Check = Callable[[Facts], Iterable[Finding]]


def functions(facts: Facts) -> Iterable[Finding]:
    awslambda = facts.client("lambda")
    found = {
        name: awslambda.get_function_configuration(FunctionName=physical)
        for name, physical in facts.of_kind(_FUNCTION).items()
    }
    return judging.functions([f"{name}Function" for name in FUNCTIONS], found)


def stream_mappings(facts: Facts) -> Iterable[Finding]:
    return judging.mappings("streams", STREAMS, _mappings(facts, streams=True))


def queue_mappings(facts: Facts) -> Iterable[Finding]:
    found = _mappings(facts, streams=False)
    return judging.mappings("queue readers", QUEUE_READERS, found)


def _mappings(facts: Facts, *, streams: bool) -> dict[str, Any]:
    awslambda = facts.client("lambda")
    return {
        name: awslambda.get_event_source_mapping(UUID=physical)
        for name, physical in facts.of_kind(_MAPPING).items()
        if (name in STREAMS) is streams
    }


def queues(facts: Facts) -> Iterable[Finding]:
    urls = {name: facts.resources[name].physical for name in QUEUES if name in facts.resources}
    waiting = _waiting(facts, urls)
    queries = [
        {
            "Id": name.lower(),
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/SQS",
                    "MetricName": "ApproximateAgeOfOldestMessage",
                    "Dimensions": [{"Name": "QueueName", "Value": url.rsplit("/", 1)[-1]}],
                },
                "Period": 60,
                "Stat": "Maximum",
            },
        }
        for name, url in urls.items()
    ]
    answer = facts.client("cloudwatch").get_metric_data(
        MetricDataQueries=queries,
        StartTime=facts.now - timedelta(minutes=5),
        EndTime=facts.now,
        ScanBy="TimestampDescending",
    )
    ages = {each["Id"]: each["Values"][0] for each in answer["MetricDataResults"] if each["Values"]}
    return judging.queues(waiting, {n: ages[n.lower()] for n in urls if n.lower() in ages})


def failure_queues(facts: Facts) -> Iterable[Finding]:
    urls = {name: facts.resources[name].physical for name in FAILURES if name in facts.resources}
    yield judging.failure_queues(_waiting(facts, urls))


def _waiting(facts: Facts, urls: Mapping[str, str]) -> dict[str, int]:
    sqs, name = facts.client("sqs"), "ApproximateNumberOfMessages"
    answers = {
        queue: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
        for queue, url in urls.items()
    }
    return {queue: int(answer["Attributes"][name]) for queue, answer in answers.items()}


def alarms(facts: Facts) -> Iterable[Finding]:
    cloudwatch, names = facts.client("cloudwatch"), sorted(facts.of_kind(_ALARM).values())
    found: list[Any] = []
    for chunk in batched(names, 100, strict=False):
        answer = cloudwatch.describe_alarms(AlarmNames=list(chunk), MaxRecords=100)
        found += answer["MetricAlarms"]
    return judging.alarms(len(names), found)


def alarm_topic(facts: Facts) -> Iterable[Finding]:
    yield _topic(facts, "alarm topic", "AlarmTopic")


def fallback_topic(facts: Facts) -> Iterable[Finding]:
    yield _topic(facts, "fallback topic", "FallbackTopic")


def _topic(facts: Facts, check: str, name: str) -> Finding:
    topic = facts.resources[name].physical
    if facts.is_local:
        return ok(check, "Its messages are not sent on, as this is a local deployment.")
    answer = facts.client("sns").list_subscriptions_by_topic(TopicArn=topic)
    return judging.subscriptions(check, topic, answer["Subscriptions"])


def secrets(facts: Facts) -> Iterable[Finding]:
    wanted = judging.wanted_secrets(facts.configuration)
    link = f"/opsknight/{facts.stack}/link-key"
    slack = facts.parameters.get("SlackSigningSecretName", "")
    # Their names and types, not what is in them: nobody needs that to say that they are there.
    ssm, types = facts.client("ssm"), dict[str, str]()
    for chunk in batched(sorted({*wanted, link, *filter(None, [slack])}), 50, strict=False):
        filters = [{"Key": "Name", "Option": "Equals", "Values": list(chunk)}]
        for page in ssm.get_paginator("describe_parameters").paginate(ParameterFilters=filters):
            types |= {each["Name"]: each["Type"] for each in page["Parameters"]}
    yield from judging.secrets(wanted, types)
    yield judging.optional_secret("link key", link, types, "the first message makes it.")
    if slack:
        yield judging.optional_secret("Slack secret", slack, types, "buttons in Slack do nothing.")


def concurrency(facts: Facts) -> Iterable[Finding]:
    yield judging.concurrency(facts.client("lambda").get_account_settings()["AccountLimit"])


def email(facts: Facts) -> Iterable[Finding]:
    uses = Channel.EMAIL in judging.used(facts.configuration)
    sender = parseaddr(facts.parameters.get("EmailFrom", ""))[1]
    if facts.is_local:
        yield ok("e-mail", "The inbox takes it, as this is a local deployment.")
    elif not sender and uses:
        said = "The deployment has no sender, and people are to be told by e-mail: they are not."
        yield failed("e-mail", said, "Deploy with the parameter EmailFrom.")
    elif not sender:
        yield ok("e-mail", "Not used.")
    else:
        ses = facts.client("sesv2")
        account = ses.get_account()
        yield judging.email(account, _identity(ses, sender), sender)


def _identity(ses: Any, sender: str) -> Mapping[str, Any] | None:
    found = None
    for name in (sender, sender.rpartition("@")[2]):
        try:
            found = ses.get_email_identity(EmailIdentity=name)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NotFoundException":
                raise
            continue
        if found.get("VerifiedForSendingStatus"):
            return dict(found)
    return found


def phone(facts: Facts) -> Iterable[Finding]:
    channels = judging.used(facts.configuration) & {Channel.SMS, Channel.VOICE}
    if facts.is_local or not channels:
        yield ok(
            "phone",
            "The inbox takes it, as this is a local deployment." if channels else "Not used.",
        )
        return
    if Channel.VOICE in channels and not facts.parameters.get("VoiceOrigination"):
        said = "People are to be called, and the deployment has no number to call from."
        yield failed("phone", said, "Deploy with the parameter VoiceOrigination.")
        channels -= {Channel.VOICE}
    client = facts.client("pinpoint-sms-voice-v2")
    attributes = client.describe_account_attributes()["AccountAttributes"]
    tiers = [each["Value"] for each in attributes if each["Name"] == "ACCOUNT_TIER"]
    limits = client.describe_spend_limits()["SpendLimits"]
    yield from judging.phone(tiers[0] if tiers else None, limits, channels)


def services(facts: Facts) -> Iterable[Finding]:
    return judging.services(facts.configuration)


def receivers(facts: Facts) -> Iterable[Finding]:
    names = judging.destinations(facts.configuration)
    states = Receivers(facts.table).states(names, Deadline.after(facts.patience))
    return judging.receivers(names, states)


def dedup_keys(facts: Facts) -> Iterable[Finding]:
    """Of the newest active incidents, and of some of each service that are resolved."""
    deadline = Deadline.after(facts.patience)
    listings = Listings(facts.table)
    wanted = [Wanted(ACTIVE)]
    for service_id in sorted(facts.configuration.services)[:MOST_SERVICES]:
        since = facts.now - timedelta(days=7)
        wanted.append(Wanted({Status.RESOLVED}, {service_id}, since=since))
    found: set[str] = set()
    for each in wanted:
        page, _ = listings.page(each, None, MOST_SAMPLED, facts.now, deadline)
        found |= {listed.id for listed in page}
    keys: dict[str, set[str]] = {}
    for incident in facts.table.incidents(found, deadline).values():
        keys.setdefault(incident.service_id, set()).add(incident.dedup_key)
    return judging.dedup_keys(keys)


CHECKS: Final[Mapping[str, Check]] = {
    "functions": functions,
    "streams": stream_mappings,
    "queue readers": queue_mappings,
    "queues": queues,
    "failure queues": failure_queues,
    "alarms": alarms,
    "alarm topic": alarm_topic,
    "fallback topic": fallback_topic,
    "secrets": secrets,
    "concurrency": concurrency,
    "e-mail": email,
    "phone": phone,
    "services": services,
    "receivers": receivers,
    "dedup keys": dedup_keys,
}
OF_THE_CONFIGURATION: Final = ("secrets", "e-mail", "phone", "services", "receivers", "dedup keys")
"""They say nothing of a deployment whose configuration cannot be read."""
