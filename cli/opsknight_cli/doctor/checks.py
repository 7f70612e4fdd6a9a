"""The checks. Each asks AWS or the table for one thing, and has the answer turned into findings."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import batched
from typing import Any, Final

from opsknight.directory.receivers import Channel
from opsknight.directory.secret_names import own_prefix, parameter
from opsknight.health import configuration_findings
from opsknight.health.findings import Finding, ok
from opsknight.incident.model import ACTIVE, Status
from opsknight.store.calls import Deadline
from opsknight.store.listings import Listings, Wanted
from opsknight.store.receivers import Receivers
from opsknight_cli.configuration import parameters
from opsknight_cli.doctor import account_findings, phones, serving, shifts
from opsknight_cli.doctor.beating import heartbeats
from opsknight_cli.doctor.deployed import Check, Deployed
from opsknight_cli.doctor.logins import login
from opsknight_cli.doctor.mails import email
from opsknight_cli.doctor.of_services import services
from opsknight_cli.doctor.unmatched import aws_events

FUNCTIONS: Final = (
    *("Events", "Respond", "Escalation", "Timer", "Tick", "Notify", "Send", "Canary", "Console"),
    *("Keeping", "Configuration", "Status", "Publish"),
)
STREAMS: Final = ("EscalationFunctionStream", "NotifyFunctionStream")
QUEUE_READERS: Final = (
    *("EventsFunctionArrivals", "TimerFunctionTimers", "NotifyFunctionPlans"),
    *("SendFunctionPagesHigh", "SendFunctionPages", "SendFunctionNotices"),
)
QUEUES: Final = ("Arrivals", "Timers", "Plans", "PagesHigh", "Pages", "Notices")
DRAINS: Final = {
    "Plans": "PLANS_PER_MINUTE",
    "PagesHigh": "HIGH_SENDS_PER_MINUTE",
    "Pages": "SENDS_PER_MINUTE",
    "Notices": "SENDS_PER_MINUTE",
}
"""The variable of the tick function that says what a queue's consumers take in a minute."""
FAILURES: Final = ("MessageFailures", "RecordFailures")
MOST_SAMPLED: Final = 100
MOST_SERVICES: Final = 10
_FUNCTION: Final = "AWS::Lambda::Function"
_MAPPING: Final = "AWS::Lambda::EventSourceMapping"
_ALARM: Final = "AWS::CloudWatch::Alarm"


def functions(deployed: Deployed) -> Iterable[Finding]:
    awslambda = deployed.client("lambda")
    found = {
        name: awslambda.get_function_configuration(FunctionName=physical)
        for name, physical in deployed.of_kind(_FUNCTION).items()
    }
    return account_findings.functions([f"{name}Function" for name in FUNCTIONS], found)


def stream_mappings(deployed: Deployed) -> Iterable[Finding]:
    return account_findings.mappings("streams", STREAMS, _mappings(deployed, streams=True))


def queue_mappings(deployed: Deployed) -> Iterable[Finding]:
    found = _mappings(deployed, streams=False)
    return account_findings.mappings("queue readers", QUEUE_READERS, found)


def _mappings(deployed: Deployed, *, streams: bool) -> dict[str, Any]:
    awslambda = deployed.client("lambda")
    return {
        name: awslambda.get_event_source_mapping(UUID=physical)
        for name, physical in deployed.of_kind(_MAPPING).items()
        if (name in STREAMS) is streams
    }


def queues(deployed: Deployed) -> Iterable[Finding]:
    urls = {
        name: deployed.resources[name].physical for name in QUEUES if name in deployed.resources
    }
    waiting = _waiting(deployed, urls)
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
    answer = deployed.client("cloudwatch").get_metric_data(
        MetricDataQueries=queries,
        StartTime=deployed.now - timedelta(minutes=5),
        EndTime=deployed.now,
        ScanBy="TimestampDescending",
    )
    ages = {each["Id"]: each["Values"][0] for each in answer["MetricDataResults"] if each["Values"]}
    oldest = {name: ages[name.lower()] for name in urls if name.lower() in ages}
    return account_findings.queues(waiting, oldest, _drain(deployed))


def _drain(deployed: Deployed) -> dict[str, int]:
    """How many messages the consumers of each queue take in a minute, as the tick reckons."""
    tick = deployed.resources["TickFunction"].physical
    found = deployed.client("lambda").get_function_configuration(FunctionName=tick)
    variables = found.get("Environment", {}).get("Variables", {})
    return {queue: int(variables[name]) for queue, name in DRAINS.items() if name in variables}


def failure_queues(deployed: Deployed) -> Iterable[Finding]:
    urls = {
        name: deployed.resources[name].physical for name in FAILURES if name in deployed.resources
    }
    yield account_findings.failure_queues(_waiting(deployed, urls))


def _waiting(deployed: Deployed, urls: Mapping[str, str]) -> dict[str, int]:
    sqs, name = deployed.client("sqs"), "ApproximateNumberOfMessages"
    answers = {
        queue: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
        for queue, url in urls.items()
    }
    return {queue: int(answer["Attributes"][name]) for queue, answer in answers.items()}


def alarms(deployed: Deployed) -> Iterable[Finding]:
    cloudwatch, names = deployed.client("cloudwatch"), sorted(deployed.of_kind(_ALARM).values())
    found: list[Any] = []
    for chunk in batched(names, 100, strict=False):
        answer = cloudwatch.describe_alarms(AlarmNames=list(chunk), MaxRecords=100)
        found += answer["MetricAlarms"]
    return account_findings.alarms(len(names), found)


def alarm_topic(deployed: Deployed) -> Iterable[Finding]:
    yield _topic(deployed, "alarm topic", "AlarmTopic")


def fallback_topic(deployed: Deployed) -> Iterable[Finding]:
    yield _topic(deployed, "fallback topic", "FallbackTopic")
    if not deployed.is_local:
        sns, topic = deployed.client("sns"), deployed.resources["FallbackTopic"].physical
        found = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        mails = {
            each["Endpoint"]: sns.get_subscription_attributes(
                SubscriptionArn=each["SubscriptionArn"]
            )["Attributes"]
            for each in found
            if each.get("Protocol", "email").startswith("email")
            and each["SubscriptionArn"].startswith("arn:")
        }
        yield from account_findings.unsubscribing(mails)


def _topic(deployed: Deployed, check: str, name: str) -> Finding:
    topic = deployed.resources[name].physical
    if deployed.is_local:
        return ok(check, "It needs no subscriber, because this is a local deployment.")
    answer = deployed.client("sns").list_subscriptions_by_topic(TopicArn=topic)
    return account_findings.subscriptions(check, topic, answer["Subscriptions"])


def secrets(deployed: Deployed) -> Iterable[Finding]:
    wanted = parameters.wanted(deployed.configuration)
    link = f"/opsknight/{deployed.stack}/link-key"
    ping = f"/opsknight/{deployed.stack}/canary-ping"
    slack = deployed.parameters.get("SlackSigningSecretName", "")
    prefix, shared = own_prefix(deployed.stack), deployed.parameters.get("SharedSecretsPrefix", "")
    named = filter(None, (parameter(each, prefix) for each in wanted))
    types = parameters.types(deployed.client, [*named, link, ping, *filter(None, [slack])])
    yield from account_findings.secrets(wanted, types, prefix, shared)
    yield account_findings.optional_secret("link key", link, types, "the first message creates it.")
    if deployed.parameters.get("CanaryMinutes") != "0":
        yield account_findings.optional_secret(
            "canary's ping", ping, types, "nobody outside the account notices when it stops."
        )
    if slack:
        used = configuration_findings.used(deployed.configuration)
        yield account_findings.slack_secret(
            slack, types, used={Channel.SLACK, Channel.SLACK_WEBHOOK} & set(used)
        )


def concurrency(deployed: Deployed) -> Iterable[Finding]:
    yield account_findings.concurrency(
        deployed.client("lambda").get_account_settings()["AccountLimit"], deployed.parameters
    )


def receivers(deployed: Deployed) -> Iterable[Finding]:
    names = configuration_findings.destinations(deployed.configuration)
    states = Receivers(deployed.table).states(names, Deadline.after(deployed.patience))
    moved = configuration_findings.moved(deployed.configuration, states, whole=True)
    return [*configuration_findings.receivers(names, states), *moved]


def confirmed(deployed: Deployed) -> Iterable[Finding]:
    if deployed.is_local:
        yield ok("confirmed", "The inbox shows everything, because this is a local deployment.")
        return
    names = configuration_findings.destinations(deployed.configuration)
    states = Receivers(deployed.table).states(names, Deadline.after(deployed.patience))
    yield configuration_findings.unconfirmed(deployed.configuration, states, deployed.now)


def dedup_keys(deployed: Deployed) -> Iterable[Finding]:
    """Samples the newest active incidents, and recently resolved ones of some services."""
    deadline = Deadline.after(deployed.patience)
    listings = Listings(deployed.table)
    wanted = [Wanted(ACTIVE)]
    for service_id in sorted(deployed.configuration.services)[:MOST_SERVICES]:
        since = deployed.now - timedelta(days=7)
        wanted.append(Wanted({Status.RESOLVED}, {service_id}, since=since))
    found: set[str] = set()
    for each in wanted:
        page, _ = listings.page(each, None, MOST_SAMPLED, deployed.now, deadline)
        found |= {listed.id for listed in page}
    keys: dict[str, set[str]] = {}
    for incident in deployed.table.incidents(found, deadline).values():
        keys.setdefault(incident.service_id, set()).add(incident.dedup_key)
    return configuration_findings.dedup_keys(keys)


CHECKS: Final[Mapping[str, Check]] = {
    "hold": serving.hold,
    "functions": functions,
    "versions": serving.versions,
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
    "phone": phones.phone,
    "login": login,
    "services": services,
    "AWS events": aws_events,
    "shifts": shifts.coming_week,
    "receivers": receivers,
    "confirmed": confirmed,
    "heartbeats": heartbeats,
    "dedup keys": dedup_keys,
}
OF_THE_CONFIGURATION: Final = (
    "secrets",
    "e-mail",
    "phone",
    "services",
    "shifts",
    "receivers",
    "confirmed",
    "heartbeats",
    "dedup keys",
)
"""Checks that need the configuration."""
