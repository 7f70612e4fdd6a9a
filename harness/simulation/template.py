"""The deployment as `template.yaml` describes it: functions, event sources, queues, tables, limits.

Nothing of it is repeated here: a limit changed there is changed in the next night.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from harness.dynamodb import ROOT, template
from harness.streams import filters

# How a deployment on AWS is set up: with e-mail, without the inbox of a developer's machine.
_CONDITIONS: Final = {
    "HasInbox": False,
    "SendsEmail": True,
    "HasPublicUrl": True,
    "HasTwilio": False,
    "HasDomain": False,
    "HasProvider": False,
    "HasStatusDomain": False,
    # It needs API Gateway's real address, and would be one more incident in each night.
    "HasCanary": False,
    "Traced": False,
}
# The nights have no bucket: nothing of what pages people looks at a public status page.
_ASLEEP: Final = frozenset({"PublishFunction"})
PARAMETERS: Final = {
    "EmailFrom": "OpsKnight <oncall@example.com>",
    "PublicUrl": "https://oncall.example.com",
    "AllowPrivateTargets": "false",
    "LocalInbox": "",
    "RetentionDays": "400",
    "AuditDays": "365",
    "SmsOrigination": "",
    "VoiceOrigination": "+15550100",
    "PhoneConfigurationSet": "",
    "SlackWorkspaces": "",
    "SlackSigningSecretName": "/opsknight/slack-signing-secret",
    "AWS::StackName": "opsknight",
}


API_HOST: Final = "api.example.com"
"""What functions of our own call."""

_BRACES: Final = re.compile(r"\$\{(\w+)")


@dataclass(frozen=True)
class Function:
    name: str
    handler: str
    timeout: float
    environment: Mapping[str, str]
    """The values are the names of resources, or of parameters their values."""


@dataclass(frozen=True)
class QueueSource:
    function: str
    queue: str
    batch_size: int
    concurrency: int


@dataclass(frozen=True)
class StreamSource:
    function: str
    batch_size: int
    lanes: int
    """How many batches of one shard are handled at once (ParallelizationFactor)."""
    oldest: float
    """Seconds after which a record is given up."""
    bisects: bool
    patterns: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Queue:
    name: str
    visibility: float
    retention: float
    most_receives: int | None
    failures: str | None


@dataclass(frozen=True)
class Schedule:
    function: str
    every: float


@dataclass(frozen=True)
class Index:
    name: str
    hash: str
    range: str
    holds: frozenset[str] | None
    """The attributes that are projected besides the keys."""


@dataclass(frozen=True)
class Table:
    name: str
    keys: tuple[str, ...]
    indexes: Mapping[str, Index]
    streams: bool


@dataclass(frozen=True)
class Deployment:
    functions: Mapping[str, Function]
    queue_sources: tuple[QueueSource, ...]
    stream_sources: tuple[StreamSource, ...]
    schedules: tuple[Schedule, ...]
    queues: Mapping[str, Queue]
    tables: Mapping[str, Table]


@cache
def deployment() -> Deployment:
    queues_read, streams_read, schedules = [], [], []
    for name, it in _of("AWS::Serverless::Function"):
        events = {} if name in _ASLEEP else it.get("Events", {})
        for event in events.values():
            more = event["Properties"]
            match event["Type"]:
                case "SQS":
                    most = _value(more["ScalingConfig"])["MaximumConcurrency"]
                    queue = _value(more["Queue"])
                    queues_read.append(QueueSource(name, queue, more["BatchSize"], most))
                case "DynamoDB":
                    streams_read.append(
                        StreamSource(
                            name,
                            more["BatchSize"],
                            more["ParallelizationFactor"],
                            more["MaximumRecordAgeInSeconds"],
                            more["BisectBatchOnFunctionError"],
                            tuple(filters()[name]),
                        )
                    )
                case "Schedule" if _value(more.get("State")) != "DISABLED":
                    schedules.append(Schedule(name, _rate(more["Schedule"])))
                case _:
                    pass
    return Deployment(
        functions(),
        tuple(queues_read),
        tuple(streams_read),
        tuple(schedules),
        {name: _queue(name, it) for name, it in _of("AWS::SQS::Queue")},
        {name: _table(name, it) for name, it in _of("AWS::DynamoDB::Table")},
    )


@cache
def functions(root: Path = ROOT) -> Mapping[str, Function]:
    """The functions as the template of the tree at `root` has them."""
    found = {}
    for name, it in _of("AWS::Serverless::Function", root):
        variables = it.get("Environment", {}).get("Variables", {})
        values = {key: _value(value) for key, value in variables.items()}
        environment = {key: value for key, value in values.items() if value is not None}
        found[name] = Function(name, it["Handler"], it["Timeout"], environment)
    return found


def _of(kind: str, root: Path = ROOT) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, resource in template(root)["Resources"].items():
        if resource["Type"] == kind:
            yield name, resource.get("Properties", {})


@cache
def _routes() -> tuple[tuple[str, str], ...]:
    """Routes to functions, the most special first."""
    resources = template()["Resources"]
    found = []
    for it in resources.values():
        if it["Type"] == "AWS::ApiGatewayV2::Route":
            integration = _BRACES.search(str(it["Properties"]["Target"]))
            target = resources[integration[1]] if integration else {}
            function = _BRACES.search(str(target["Properties"]["IntegrationUri"]))
            if function:
                found.append((it["Properties"]["RouteKey"], function[1].partition(".")[0]))
    # A method before ANY, what is named before what is not, and more of a path before less.
    found.sort(
        key=lambda each: (
            each[0] == "$default",
            "+" in each[0],
            "{" in each[0],
            -each[0].count("/"),
            each[0].startswith("ANY"),
        )
    )
    return tuple(found)


def route(method: str, path: str) -> str:
    """The function that API Gateway calls."""
    for key, function in _routes():
        if key == "$default":
            return function
        wanted, pattern = key.split()
        regex = re.sub(r"\\{\w+\\\+\\}", ".+", re.escape(pattern))
        regex = re.sub(r"\\{\w+\\}", "[^/]+", regex)
        if wanted in (method, "ANY") and re.fullmatch(regex, path):
            return function
    raise LookupError(path)


def _queue(name: str, it: Mapping[str, Any]) -> Queue:
    redrive = it.get("RedrivePolicy", {})
    return Queue(
        name,
        it.get("VisibilityTimeout", 30),
        it["MessageRetentionPeriod"],
        redrive.get("maxReceiveCount"),
        _value(redrive["deadLetterTargetArn"]) if redrive else None,
    )


def _table(name: str, it: Mapping[str, Any]) -> Table:
    keys = tuple(each["AttributeName"] for each in it["KeySchema"])
    indexes = {}
    for each in it.get("GlobalSecondaryIndexes", ()):
        first, second = (key["AttributeName"] for key in each["KeySchema"])
        shown = frozenset(each["Projection"].get("NonKeyAttributes", ()))
        indexes[each["IndexName"]] = Index(each["IndexName"], first, second, shown)
    return Table(name, keys, indexes, "StreamSpecification" in it)


def _rate(text: str) -> float:
    number, unit = text.removeprefix("rate(").removesuffix(")").split()
    return float(number) * {"minute": 60, "minutes": 60, "hour": 3600}[unit]


def _value(value: Any) -> Any:
    """With references as names: a queue's URL is its name here, and so is a table's."""
    match value:
        case {"Ref": "AWS::NoValue"}:
            return None
        case {"Ref": str(name)}:
            return PARAMETERS.get(name, name)
        case {"Fn::GetAtt": ["Api", *_]} | {"Fn::GetAtt": "Api.ApiEndpoint"}:
            return f"https://{API_HOST}"
        case {"Fn::GetAtt": [str(name), *_]} | {"Fn::GetAtt": str(name)}:
            return name.partition(".")[0]
        case {"Fn::Sub": str(text)}:
            for name, known in PARAMETERS.items():
                text = text.replace(f"${{{name}}}", known)
            return text
        case {"Fn::If": [str(condition), yes, no]}:
            return _value(yes if _CONDITIONS[condition] else no)
        case dict():
            return {name: _value(each) for name, each in value.items()}
        case _:
            return value
