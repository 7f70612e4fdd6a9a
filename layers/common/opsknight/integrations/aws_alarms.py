"""Alarms of CloudWatch: of one metric, composite, and of many time series, whose contributors fire
each for itself. Pure.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from opsknight.directory.aws import Source
from opsknight.incident.model import Action
from opsknight.integrations.aws import (
    Found,
    Sent,
    Told,
    console_of,
    end_of_second,
    fields,
    moment,
    tags_of,
    word,
)
from opsknight.integrations.drafts import SEVERITIES, Draft, words
from opsknight.integrations.reading import Meaningless, Passed

_STATES: Final = {"ALARM": Action.TRIGGER, "OK": Action.RESOLVE}
_GROUPED: Final = re.compile(r"\bGROUP\s+BY\b", re.IGNORECASE)
# By "treat missing data" an alarm says what that means: here nobody knows.
_UNKNOWN: Final = Passed('its state is "INSUFFICIENT_DATA"')
_SEVERITY_TAG: Final = "severity"


def alarm(sent: Sent, at: datetime) -> Found:
    """A change of state, as EventBridge has it."""
    detail = fields(sent, "detail")
    name, state = word(detail, "alarmName"), word(detail, "state", "value")
    arn = _arn(sent)
    if not name or not arn:
        return Meaningless("it has no detail.alarmName, or no ARN in resources")
    contributor = word(detail, "alarmContributor", "id")
    if not contributor and _is_grouped(detail) and state == "ALARM":
        return Passed("each contributor of this alarm fires for itself")
    at = moment(word(detail, "state", "timestamp")) or end_of_second(at)
    return _told(
        name,
        arn,
        state,
        at,
        contributor=contributor,
        attributes=fields(detail, "alarmContributor", "attributes"),
        described=word(detail, "configuration", "description"),
        tags=tags_of(detail.get("alarmTags")),
        details=detail,
        kind=word(sent, "detail-type"),
    )


def deleted(sent: Sent, at: datetime) -> Found:
    """Nobody will ever say that it is over."""
    detail = fields(sent, "detail")
    name, arn = word(detail, "alarmName"), _arn(sent)
    operation = word(detail, "operation")
    if operation != "delete":
        return Passed(f'its operation is "{operation[:100]}"')
    if not name or not arn:
        return Meaningless("it has no detail.alarmName, or no ARN in resources")
    return _told(name, arn, "OK", at, details=detail, kind=word(sent, "detail-type"), note=_DELETED)


def alarm_message(sent: Sent, now: datetime) -> Found:
    """What an alarm sends to a topic of SNS."""
    name, arn = word(sent, "AlarmName"), word(sent, "AlarmArn")
    if not name:
        return Meaningless("it has no AlarmName")
    state, contributor = word(sent, "NewStateValue"), word(sent, "AlarmContributorId")
    account = word(sent, "AWSAccountId")
    return _told(
        name,
        arn or f"cloudwatch:{account}:{word(sent, 'Region')}:{name}",
        state,
        moment(word(sent, "StateChangeTime")) or now,
        contributor=contributor,
        attributes=fields(sent, "AlarmContributorAttributes"),
        described=word(sent, "AlarmDescription"),
        tags=tags_of(sent.get("AlarmTags")),
        details=dict(sent),
        kind="CloudWatch alarm",
        account=account,
    )


_DELETION: Final = "deleted"
_NOTHING: Final = ""
_DELETED: Final = "The alarm was deleted in CloudWatch: nothing will say that it is over."


def _told(
    name: str,
    arn: str,
    state: str,
    at: datetime,
    *,
    details: Any,
    kind: str,
    contributor: str = "",
    attributes: Mapping[str, Any] | None = None,
    described: str = "",
    tags: Mapping[str, str] | None = None,
    account: str = "",
    note: str | None = None,
) -> Found:
    action = _STATES.get(state)
    if action is None:
        return _UNKNOWN if state == "INSUFFICIENT_DATA" else Passed(f'its state is "{state[:100]}"')
    parts = arn.split(":")
    named = len(parts) > 5
    region, owner = (parts[3], parts[4]) if named else ("", account)
    tags = tags or {}
    which = ", ".join(words(each) for each in (attributes or {}).values())
    summary = f"{name} ({which})" if which else name
    known = SEVERITIES.get(tags.get(_SEVERITY_TAG, "").lower())
    where = f"region={quote(region)}#alarmsV2:alarm/{quote(name, safe=_NOTHING)}"
    link = f"{console_of(arn)}/cloudwatch/home?{where}"
    return Told(
        source=Source.CLOUDWATCH,
        name=name,
        arn=arn,
        account=owner,
        region=region,
        at=at,
        draft=Draft(
            action,
            dedup_key=f"{arn}#{contributor}" if contributor else arn,
            summary=f"{summary}: {' '.join(described.split())}" if described else summary,
            source=" ".join(each for each in ("cloudwatch", owner, region) if each),
            severity=(known.value if known else "critical"),
            custom_details=details,
            payload={"component": name, "class": kind},
            rest={"client": "CloudWatch", "links": [{"href": link, "text": "Alarm"}]},
        ),
        # By whatever way it comes, it is the same change.
        identity=f"{state if note is None else _DELETION}@{at.isoformat()}",
        tags=tags,
        ends_parts=action is Action.RESOLVE and not contributor,
        note=note,
    )


def _arn(sent: Sent) -> str:
    named = sent.get("resources")
    return words(named[0]) if isinstance(named, list) and named else ""


def _is_grouped(detail: Sent) -> bool:
    """Whether it watches many time series, each of which has events of its own."""
    settings = fields(detail, "configuration")
    if "evaluationCriteria" in settings:
        return True
    metrics = settings.get("metrics")
    return any(
        _GROUPED.search(word(fields({"": each}, ""), "expression"))
        for each in (metrics if isinstance(metrics, list) else ())
    )
