"""`remove`: deletes a stack and all that it leaves behind on purpose: tables that refuse to be
deleted, secrets of its own, and logs.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer
from botocore.exceptions import ClientError

from opsknight_cli.deployments import Account
from opsknight_cli.session import CommandError, Session
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.screen import Screen

POLL_SECONDS: Final = 10.0
LONGEST_DELETION: Final = 3600
# SSM deletes so many at once.
LARGEST_DELETION: Final = 10
_GONE: Final = "ValidationError"
_LOGS: Final = frozenset({"events", "respond", "escalation", "notify", "canary", "access"})

app = typer.Typer()


@dataclass(frozen=True, slots=True)
class Left:
    """What a stack leaves behind."""

    tables: list[str]
    secrets: list[str]
    logs: list[str]
    buckets: list[str]

    @property
    def is_empty(self) -> bool:
        return not (self.tables or self.secrets or self.logs or self.buckets)


@app.command("remove")
@common_options()
def remove_command(
    invocation: Invocation,
    name: Annotated[
        str | None,
        typer.Option(
            "--yes-remove", help="Confirm with the stack's name, instead of typing it when asked."
        ),
    ] = None,
) -> None:
    """Delete a deployment with its tables, secrets and logs. Nothing brings it back."""
    session, screen = invocation.session, invocation.screen
    account = session.reach(invocation.where)
    status = _status(account)
    left = _left(account)
    if status is None and left.is_empty:
        raise CommandError(f"There is no stack {account.stack}, and nothing of one.")
    if not screen.as_json:
        _show(screen, account, status, left)
    if not _agreed(screen, account.stack, name):
        raise CommandError("Nothing was deleted: that is not the stack's name.")
    if status is not None:
        _delete_stack(account, session)
    # Looked for once more: functions may have written logs until the end.
    left = _left(account)
    _delete(account, left)
    if screen.as_json:
        screen.data(
            {
                "stack": account.stack,
                "tables": left.tables,
                "secrets": left.secrets,
                "logs": left.logs,
                "buckets": left.buckets,
            }
        )
        return
    screen.say(f"{account.name} is gone, with all that it left behind.", "green")


def _agreed(screen: Screen, stack: str, name: str | None) -> bool:
    if name is None and not screen.as_json:
        name = screen.answer(f"To delete all of this, type the stack's name ({stack}):")
    return name == stack


def _status(account: Account) -> str | None:
    try:
        found = account.client("cloudformation").describe_stacks(StackName=account.stack)
    except ClientError as error:
        if error.response["Error"]["Code"] != _GONE:
            raise
        return None
    status: str = found["Stacks"][0]["StackStatus"]
    return status


def _left(account: Account) -> Left:
    """By name, so that it also finds what a deploy that failed, or a deleted stack, has left."""
    stack, pattern = account.stack, re.escape(account.stack)
    tables = account.client("dynamodb").get_paginator("list_tables").paginate()
    ssm = account.client("ssm").get_paginator("get_parameters_by_path")
    secrets = ssm.paginate(Path=f"/opsknight/{stack}/", Recursive=True)
    logs = account.client("logs").get_paginator("describe_log_groups")
    prefixes = f"/aws/lambda/{stack}-", f"/aws/vendedlogs/{stack}-"
    s3 = account.client("s3")
    # Unlike all others, S3 lists those of each region: another one may have a stack of this name.
    buckets = s3.list_buckets(BucketRegion=s3.meta.region_name)["Buckets"]
    return Left(
        tables=[
            each
            for page in tables
            for each in page["TableNames"]
            if re.fullmatch(f"{pattern}-(Rates)?Table-[0-9A-Z]+", each)
        ],
        secrets=[each["Name"] for page in secrets for each in page["Parameters"]],
        logs=[
            each["logGroupName"]
            for prefix in prefixes
            for page in logs.paginate(logGroupNamePrefix=prefix)
            for each in page["logGroups"]
            if each["logGroupName"].removeprefix(prefix) in _LOGS
        ],
        buckets=[
            each["Name"]
            for each in buckets
            if re.fullmatch(f"{pattern.lower()}-statuspages-[0-9a-z]+", each["Name"])
        ],
    )


def _delete_stack(account: Account, session: Session) -> None:
    account.client("cloudformation").delete_stack(StackName=account.stack)
    looks = LONGEST_DELETION / POLL_SECONDS
    while (status := _status(account)) is not None and status != "DELETE_COMPLETE":
        looks -= 1
        if status == "DELETE_FAILED" or looks < 0:
            raise CommandError(
                f"CloudFormation could not delete the stack ({status}): its console says why. Then "
                "run this again. The tables are still there."
            )
        session.sleep(POLL_SECONDS)


def _delete(account: Account, left: Left) -> None:
    dynamodb, ssm, logs = (account.client(each) for each in ("dynamodb", "ssm", "logs"))
    for table in left.tables:
        dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
        dynamodb.delete_table(TableName=table)
    for chunk in _chunks(left.secrets):
        ssm.delete_parameters(Names=chunk)
    for group in left.logs:
        logs.delete_log_group(logGroupName=group)
    for bucket in left.buckets:
        _delete_bucket(account.client("s3"), bucket)


def _delete_bucket(s3: Any, bucket: str) -> None:
    """S3 deletes no bucket that holds anything."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        if keys := [{"Key": each["Key"]} for each in page.get("Contents", [])]:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": keys})
    s3.delete_bucket(Bucket=bucket)


def _chunks(names: list[str]) -> Iterable[list[str]]:
    starts = range(0, len(names), LARGEST_DELETION)
    return (names[start : start + LARGEST_DELETION] for start in starts)


def _show(screen: Screen, account: Account, status: str | None, left: Left) -> None:
    screen.say(f"This deletes {account.name} and everything in it:", "bold red")
    screen.say(
        "the stack is gone already" if status is None else f"the stack, which is {status}", indent=2
    )
    parts: dict[str, Any] = {"table": left.tables, "secret": left.secrets, "log group": left.logs}
    parts["bucket of status pages"] = left.buckets
    for what, names in parts.items():
        for each in names:
            screen.say(f"{what} {each}", indent=2)
    screen.say("Backups of its tables are deleted within 35 days. Nothing else brings it back.")
