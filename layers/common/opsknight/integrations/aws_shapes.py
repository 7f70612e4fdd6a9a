"""What each of AWS's services tells, and what it means: it has begun, it is over, or neither.
Shapes as its documentation has them; what lacks the thing that it is about means nothing. Pure.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from opsknight.classes import dataclass
from opsknight.directory.aws import Source
from opsknight.incident.model import Action, Severity
from opsknight.integrations.aws import (
    DETAIL_TYPE,
    Found,
    Sent,
    decoded,
    end_of_second,
    fields,
    last_part,
    message_of_topic,
    moment,
    tags_of,
    told,
    word,
)
from opsknight.integrations.aws_alarms import alarm, alarm_message, deleted
from opsknight.integrations.aws_jobs import backup, batch, ecs_service, ecs_task, step_functions
from opsknight.integrations.reading import Meaningless, Passed

# Findings have a number: from 7 on AWS calls them high, from 4 on medium.
_HIGH: Final = 7.0
_MEDIUM: Final = 4.0


@dataclass(frozen=True, slots=True)
class Foreign(Meaningless):
    """An event that says it is of another account than the topic that brought it."""


def read(document: Any, now: datetime) -> Found:
    """One event of EventBridge, or the message that an alarm sends to SNS. `now` is when it came,
    for one without a readable time.
    """
    sent = fields({"": document}, "")
    if "NewStateValue" in sent:
        return alarm_message(sent, now)
    kind = word(sent, DETAIL_TYPE)
    reader = _READERS.get(kind)
    if reader is None:
        return Passed(f'it is a "{kind[:100]}", which no page is made of' if kind else "no event")
    return reader(sent, moment(word(sent, "time")) or now)


def of_queue(body: str, message_id: str, now: datetime) -> Found:
    """A message of the queue: an event of EventBridge, or what a topic of the account sends, in its
    envelope or without.
    """
    sent = fields({"": decoded(body)}, "")
    if not sent:
        return Meaningless("it is no JSON object")
    if word(sent, "Type") != "Notification" or "TopicArn" not in sent:
        return read(sent, now)
    return of_topic(
        word(sent, "TopicArn"),
        word(sent, "Subject"),
        word(sent, "Message"),
        word(sent, "MessageId") or message_id,
        moment(word(sent, "Timestamp")) or now,
        now,
    )


def of_topic(
    topic: str, subject: str, text: str, message_id: str, at: datetime, now: datetime
) -> Found:
    """A message of SNS: one of AWS's own events, or whatever words. Whoever may publish to a topic
    writes what he likes, so the account of an event is that of its topic, or it is not believed.
    """
    ours = fields({"": decoded(text)}, "")
    if "NewStateValue" in ours or DETAIL_TYPE in ours:
        owner = [*topic.split(":"), "", "", "", "", ""][4]
        claimed = word(ours, "AWSAccountId") or word(ours, "account")
        if owner and claimed and claimed != owner:
            return Foreign(f"it is of the account {claimed[:20]}, and its topic of {owner}")
        return read(ours, now)
    if not text and not subject:
        return Meaningless("it is empty")
    return message_of_topic(topic, subject, text, message_id, at)


type _Reader = Callable[[Sent, datetime], Found]


def _health(sent: Sent, at: datetime) -> Found:
    detail = fields(sent, "detail")
    arn = word(detail, "eventArn")
    if not arn:
        return Meaningless("it has no detail.eventArn")
    category, status = word(detail, "eventTypeCategory"), word(detail, "statusCode")
    urgent = category in ("issue", "investigation") or "Abuse" in word(sent, DETAIL_TYPE)
    described = detail.get("eventDescription")
    first = described[0] if isinstance(described, list) and described else {}
    said = " ".join(word(first, "latestDescription").split())
    code = word(detail, "eventTypeCode")
    entities = detail.get("affectedEntities")
    tags: dict[str, str] = {}
    for each in entities if isinstance(entities, list) else ():
        tags |= tags_of(fields({"": each}, "").get("tags"))
    # The same event comes for each account that it is about.
    account = word(detail, "affectedAccount") or word(sent, "account")
    return told(
        {**sent, "account": account},
        Source.HEALTH,
        Action.RESOLVE if status == "closed" else Action.TRIGGER,
        name=code or last_part(arn),
        arn=arn,
        part=account,
        at=at,
        summary=f"{word(detail, 'service')}: {said or code}",
        severity=Severity.CRITICAL if urgent else Severity.INFO,
        tags=tags,
        region=word(detail, "eventRegion"),
    )


def _guardduty(sent: Sent, at: datetime) -> Found:
    detail = fields(sent, "detail")
    identity = word(detail, "id")
    if not identity:
        return Meaningless("it has no detail.id")
    number = detail.get("severity")
    level = float(number) if isinstance(number, int | float) else _HIGH
    severity = Severity.INFO
    if level >= _MEDIUM:
        severity = Severity.CRITICAL if level >= _HIGH else Severity.WARNING
    name = word(detail, "type")
    return told(
        sent,
        Source.GUARDDUTY,
        Action.TRIGGER,
        name=name or "finding",
        arn=word(detail, "arn") or f"guardduty:{word(sent, 'account')}:{identity}",
        at=at,
        summary=word(detail, "title") or name,
        severity=severity,
        tags=tags_of(fields(detail, "resource", "instanceDetails").get("tags")),
    )


def _alarm_deleted(sent: Sent, at: datetime) -> Found:
    return deleted(sent, end_of_second(at))


_READERS: Final[Mapping[str, _Reader]] = MappingProxyType(
    {
        "CloudWatch Alarm State Change": alarm,
        "CloudWatch Alarm Contributor State Change": alarm,
        "CloudWatch Alarm Configuration Change": _alarm_deleted,
        "AWS Health Event": _health,
        "AWS Health Abuse Event": _health,
        "GuardDuty Finding": _guardduty,
        "Backup Job State Change": backup,
        "Copy Job State Change": backup,
        "Restore Job State Change": backup,
        "ECS Service Action": ecs_service,
        "ECS Deployment State Change": ecs_service,
        "ECS Task State Change": ecs_task,
        "Batch Job State Change": batch,
        "Step Functions Execution Status Change": step_functions,
    }
)
