"""AWS's own events, as EventBridge and SNS tell them, made into events of ours. Pure.

Each has the key of the thing that it is about, and the moment at which it happened there: AWS
delivers more than once, and not in order. What each service sends is in `aws_shapes`.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from opsknight.classes import dataclass
from opsknight.directory.aws import Source
from opsknight.incident.event_request import readable_float, readable_int
from opsknight.incident.model import Action, Severity
from opsknight.integrations.drafts import Draft, words
from opsknight.integrations.reading import Meaningless, Passed

# What scales by itself makes these alarms, and they fire all day.
TARGET_TRACKING: Final = "TargetTracking-"
DETAIL_TYPE: Final = "detail-type"
# What it reads is written again: NaN and Infinity, which are no JSON, are null.
_JSON: Final = json.JSONDecoder(
    parse_float=readable_float, parse_int=readable_int, parse_constant=lambda _: None
)
type Sent = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """One event."""

    source: Source
    name: str
    """Of the alarm, job, state machine, ...: what people know it by."""
    arn: str
    """The thing itself, or what stands for it. All its parts are kept together."""
    account: str
    region: str
    at: datetime
    """When it happened there."""
    draft: Draft
    """With the dedup key."""
    identity: str
    """Another event at the very same time has another one."""
    tags: Mapping[str, str]
    ends_parts: bool = False
    """Whether it resolves each part of the thing as well: the contributors of an alarm."""
    note: str | None = None
    """For the timeline of what it resolves."""

    @property
    def key(self) -> str:
        return words(self.draft.dedup_key)

    @property
    def opens(self) -> bool:
        return self.draft.action is Action.TRIGGER


type Found = Told | Passed | Meaningless


def fields(sent: Any, *path: str) -> Sent:
    """The object at a place; an empty one where there is none."""
    for name in path:
        sent = sent.get(name) if isinstance(sent, dict) else None
    return sent if isinstance(sent, dict) else {}


def decoded(text: str) -> Any:
    """The JSON in a text; None where there is none."""
    try:
        return _JSON.decode(text)
    except (ValueError, RecursionError):
        return None


def word(sent: Any, *path: str) -> str:
    """The text at a place, trimmed; empty where there is none."""
    *above, last = path
    return words(fields(sent, *above).get(last))


def moment(text: str) -> datetime | None:
    """As AWS writes it: `2019-10-02T17:04:40.989+0000`."""
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def end_of_second(at: datetime) -> datetime:
    """Of an event whose time is cut to seconds, so that it does not seem older than what came just
    before it.
    """
    return at.replace(microsecond=0) + timedelta(microseconds=999_999)


def tags_of(sent: Any) -> dict[str, str]:
    """An object of names and values, or a list of objects with a key and a value, in any case."""
    if isinstance(sent, dict):
        return {name: words(value) for name, value in sent.items()}
    found: dict[str, str] = {}
    for each in sent if isinstance(sent, list) else ():
        if isinstance(each, dict):
            lowered = {name.lower(): value for name, value in each.items()}
            if name := words(lowered.get("key")):
                found[name] = words(lowered.get("value"))
    return found


def last_part(arn: str) -> str:
    """What people call it: the end of its ARN."""
    return arn.replace("/", ":").rsplit(":", 1)[-1]


def console_of(arn: str) -> str:
    """The host of the console: China's and others' partitions have their own."""
    hosts = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}
    partition, region = arn.split(":")[1:4:2] if arn.count(":") >= 5 else ("", "")
    host = hosts.get(partition, "console.aws.amazon.com")
    return f"https://{region}.{host}" if region else f"https://{host}"


def told(
    sent: Sent,
    source: Source,
    action: Action,
    *,
    name: str,
    arn: str,
    at: datetime,
    part: str = "",
    summary: str = "",
    severity: Severity = Severity.ERROR,
    tags: Mapping[str, str] | None = None,
    link: str | None = None,
    region: str = "",
) -> Told:
    account, at_region = word(sent, "account"), region or word(sent, "region")
    links = [{"href": link, "text": "AWS console"}] if link else []
    return Told(
        source=source,
        name=name,
        arn=arn,
        account=account,
        region=at_region,
        at=at,
        draft=Draft(
            action,
            dedup_key=f"{arn}#{part}" if part else arn,
            summary=summary or name,
            source=" ".join(each for each in (source.value, account, at_region) if each),
            severity=severity.value,
            custom_details=sent.get("detail"),
            payload={"component": name, "class": word(sent, DETAIL_TYPE)},
            rest={"client": "AWS", **({"links": links} if links else {})},
        ),
        identity=word(sent, "id"),
        tags=tags or {},
    )


def is_own(event: Told, stack: str, account: str, region: str) -> bool:
    """Whether it is an alarm of this very deployment, which its operator hears of in another way:
    pages about pages that do not work would never end, and help nobody.
    """
    if event.source is not Source.CLOUDWATCH or (event.account, event.region) != (account, region):
        return False
    # As CloudFormation names them: the stack, the alarm in the template, and some letters.
    rest = event.name.removeprefix(f"{stack}-")
    alarm, _, letters = rest.partition("-")
    return rest != event.name and alarm.endswith("Alarm") and letters.isalnum()


def is_scaling(event: Told) -> bool:
    return event.source is Source.CLOUDWATCH and event.name.startswith(TARGET_TRACKING)


def message_of_topic(topic: str, subject: str, message: str, message_id: str, at: datetime) -> Told:
    """A message that is none of AWS's own events: its words, under the topic and the subject."""
    parts = topic.split(":")
    document = decoded(message)
    readable = document if isinstance(document, dict | list) else {"message": message}
    line = subject or next((each for each in message.splitlines() if each.strip()), "")
    digest = sha256((subject or message).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    name = parts[-1]
    return Told(
        source=Source.SNS,
        name=name,
        arn=topic,
        account=parts[4] if len(parts) > 5 else "",
        region=parts[3] if len(parts) > 5 else "",
        at=at,
        draft=Draft(
            Action.TRIGGER,
            dedup_key=f"{topic}#{digest}",
            summary=line.strip() or name,
            source=f"SNS {name}",
            custom_details=readable,
            rest={"client": "Amazon SNS"},
        ),
        identity=message_id,
        tags={},
    )


def of_subscription(topic: str, message_id: str, at: datetime, *, ended: bool) -> Told:
    """That a topic sends to us no more, or does so again."""
    parts = topic.split(":")
    name = parts[-1]
    return Told(
        source=Source.SNS,
        name=name,
        arn=topic,
        account=parts[4] if len(parts) > 5 else "",
        region=parts[3] if len(parts) > 5 else "",
        at=at,
        draft=Draft(
            Action.TRIGGER if ended else Action.RESOLVE,
            dedup_key=f"{topic}#subscription",
            summary=f"The topic {name} does not send here any more: its subscription has ended",
            source=f"SNS {name}",
            severity=Severity.WARNING.value,
            custom_details={"topic": topic},
            rest={"client": "Amazon SNS"},
        ),
        identity=message_id,
        tags={},
        note=None if ended else "The topic sends again.",
    )
