"""What runs: backups, containers, jobs and state machines. What fails triggers, and what succeeds
under the same name resolves; that somebody has stopped it is neither. Pure.
"""

from datetime import datetime
from typing import Any
from urllib.parse import quote

from opsknight.directory.aws import Source
from opsknight.incident.model import Action, Severity
from opsknight.integrations.aws import (
    DETAIL_TYPE,
    Found,
    Sent,
    console_of,
    fields,
    last_part,
    tags_of,
    told,
    word,
)
from opsknight.integrations.drafts import words
from opsknight.integrations.reading import Meaningless, Passed


def backup(sent: Sent, at: datetime) -> Found:
    detail = fields(sent, "detail")
    # Some say `state`, others `status`.
    state = word(detail, "state") or word(detail, "status")
    resource = word(detail, "resourceArn") or word(detail, "createdResourceArn")
    job = word(sent, DETAIL_TYPE).removesuffix(" State Change")
    thing = resource or word(detail, "backupVaultArn") or word(detail, "restoreJobId")
    if not thing:
        return Meaningless("it has no detail.resourceArn")
    action = _ended(state, {"FAILED", "EXPIRED", "PARTIAL"}, {"COMPLETED"})
    if action is None:
        return _neither(state)
    name = last_part(thing)
    said = word(detail, "statusMessage").strip('"')
    return told(
        sent,
        Source.BACKUP,
        action,
        name=name,
        arn=thing,
        part=job,
        at=at,
        summary=f"{job} of {name}: {state}" + (f": {said}" if said else ""),
    )


def ecs_service(sent: Sent, at: datetime) -> Found:
    detail = fields(sent, "detail")
    arn = _first(sent.get("resources"))
    if not arn:
        return Meaningless("it has no resources")
    event = word(detail, "eventName")
    part = ""
    if event == "SERVICE_DEPLOYMENT_FAILED":
        # A rollback completes as well: only somebody who has looked ends it.
        part = "deployment"
    elif event == "SERVICE_STEADY_STATE":
        return told(
            sent, Source.ECS, Action.RESOLVE, name=last_part(arn), arn=arn, at=at, summary=event
        )
    elif word(detail, "eventType") not in ("WARN", "ERROR"):
        return _neither(event)
    grave = word(detail, "eventType") == "ERROR"
    said = word(detail, "reason")
    return told(
        sent,
        Source.ECS,
        Action.TRIGGER,
        name=last_part(arn),
        arn=arn,
        part=part,
        at=at,
        summary=f"{last_part(arn)}: {event}" + (f": {said}" if said else ""),
        severity=Severity.ERROR if grave else Severity.WARNING,
    )


def ecs_task(sent: Sent, at: datetime) -> Found:
    detail = fields(sent, "detail")
    code = word(detail, "stopCode")
    containers = detail.get("containers")
    codes = [
        number
        for each in (containers if isinstance(containers, list) else ())
        if isinstance(number := fields({"": each}, "").get("exitCode"), int)
    ]
    failed = code == "TaskFailedToStart" or (code == "EssentialContainerExited" and any(codes))
    if word(detail, "lastStatus") != "STOPPED" or not failed:
        return _neither(code or word(detail, "lastStatus"))
    cluster, group = word(detail, "clusterArn"), word(detail, "group")
    kind, _, name = group.partition(":")
    if not cluster or not name:
        return Meaningless("it has no detail.clusterArn or detail.group")
    # The key of its service, so that its steady state ends this.
    arn = cluster.replace(":cluster/", f":{kind}/", 1) + f"/{name}"
    said = word(detail, "stoppedReason")
    return told(
        sent,
        Source.ECS,
        Action.TRIGGER,
        name=name,
        arn=arn,
        at=at,
        summary=f"{name}: task stopped: {said or code}",
        tags=tags_of(detail.get("tags")),
    )


def batch(sent: Sent, at: datetime) -> Found:
    detail = fields(sent, "detail")
    queue, name, status = word(detail, "jobQueue"), word(detail, "jobName"), word(detail, "status")
    if not queue or not name:
        return Meaningless("it has no detail.jobQueue or detail.jobName")
    action = _ended(status, {"FAILED"}, {"SUCCEEDED"})
    if action is None:
        return _neither(status)
    said = word(detail, "statusReason")
    return told(
        sent,
        Source.BATCH,
        action,
        name=name,
        arn=queue,
        part=name,
        at=at,
        summary=f"{name}: {status}" + (f": {said}" if said else ""),
        tags=tags_of(detail.get("tags")),
    )


def step_functions(sent: Sent, at: datetime) -> Found:
    detail = fields(sent, "detail")
    machine, status = word(detail, "stateMachineArn"), word(detail, "status")
    if not machine:
        return Meaningless("it has no detail.stateMachineArn")
    action = _ended(status, {"FAILED", "TIMED_OUT"}, {"SUCCEEDED"})
    if action is None:
        return _neither(status)
    execution = word(detail, "executionArn")
    said = word(detail, "error") or word(detail, "cause")
    link = None
    if execution:
        at_region = quote(word(sent, "region"))
        where = f"states/home?region={at_region}#/v2/executions/details/{quote(execution)}"
        link = f"{console_of(execution)}/{where}"
    return told(
        sent,
        Source.STEP_FUNCTIONS,
        action,
        name=last_part(machine),
        arn=machine,
        at=at,
        summary=f"{last_part(machine)}: {status}" + (f": {said}" if said else ""),
        link=link,
    )


def _ended(state: str, failed: set[str], succeeded: set[str]) -> Action | None:
    if state in failed:
        return Action.TRIGGER
    return Action.RESOLVE if state in succeeded else None


def _neither(state: str) -> Passed:
    return Passed(f'its state is "{state[:100]}"')


def _first(sent: Any) -> str:
    return words(sent[0]) if isinstance(sent, list) and sent else ""
