"""`rollback`: lets the functions of the last deploy serve the version before it.

Each deploy publishes a version of the functions that it changes, and moves their alias. The
versions before stay: going back is one call for each function, and takes seconds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import typer

from opsknight_cli.session import CommandError
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.times import UTC_ZONE, shown, stamp

ALIAS: Final = "live"
# A deploy publishes all its versions within this time.
ONE_DEPLOY: Final = timedelta(minutes=30)
_FUNCTION: Final = "AWS::Lambda::Function"
# With other values a version that stays is free.
_SNAPSTART: Final = "PublishedVersions"

app = typer.Typer()


@dataclass(frozen=True, slots=True)
class Version:
    number: int
    published: datetime
    description: str


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    """The name in the template, without `Function`."""
    physical: str
    serves: Version
    before: Version | None
    newest: Version
    is_shifting: bool
    """Whether a part of its requests goes to a newer version already, and the rest to `serves`."""
    revision: str
    """The alias must still have this revision: somebody else may have moved it."""


@app.command("rollback")
@common_options()
def rollback_command(
    invocation: Invocation,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    further: Annotated[
        bool,
        typer.Option("--further", help="Go back one more deploy than a rollback before this did."),
    ] = False,
) -> None:
    """Go back to the code, layer and settings before the last deploy. Tables stay as they are."""
    session, screen = invocation.session, invocation.screen
    account = session.reach(invocation.where)
    cloudformation, awslambda = account.client("cloudformation"), account.client("lambda")
    stack = cloudformation.describe_stacks(StackName=account.stack)["Stacks"][0]
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
    if parameters.get("SnapStart") == _SNAPSTART:
        raise CommandError(
            "With SnapStart each version is billed for its snapshot, so a rollback needs the last "
            "build: check out the version before, then `make deploy`."
        )
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=account.stack)
    functions = [
        _function(awslambda, each["LogicalResourceId"], each["PhysicalResourceId"])
        for page in pages
        for each in page["StackResourceSummaries"]
        if each["ResourceType"] == _FUNCTION
    ]
    behind = sorted(
        each.name
        for each in functions
        if each.serves.number < each.newest.number and not each.is_shifting
    )
    if behind and not further:
        raise CommandError(
            f"{', '.join(behind)}: an older version than that of the last deploy serves already. "
            "To go back one deploy more: --further."
        )
    chosen = _of_last_deploy(functions)
    if not chosen:
        raise CommandError(
            "No version before the last deploy is left. Check out the version before, then `make "
            "deploy`."
        )
    if not screen.as_json:
        screen.table(
            ("FUNCTION", "SERVES", "SINCE", "GOES BACK TO", "OF"),
            [
                (
                    each.name,
                    str(each.serves.number),
                    shown(each.serves.published, UTC_ZONE),
                    str(before.number),
                    shown(before.published, UTC_ZONE),
                )
                for each, before in chosen
            ],
            split=3,
        )
        if not yes and not screen.ask(f"Roll back {account.name}?"):
            raise CommandError("Nothing was changed.")
    for each, before in chosen:
        awslambda.update_alias(
            FunctionName=each.physical,
            Name=ALIAS,
            FunctionVersion=str(before.number),
            # A shift under way ends.
            RoutingConfig={"AdditionalVersionWeights": {}},
            RevisionId=each.revision,
        )
    if screen.as_json:
        screen.data({"functions": [_data(*each) for each in chosen]})
        return
    count = "1 function serves" if len(chosen) == 1 else f"{len(chosen)} functions serve"
    screen.say(f"{count} the version before.", "green")
    screen.say("The next deploy that changes a function moves it forward again.")
    screen.say("The parameters of the stack and its alarms are still those of the last deploy.")


def _function(awslambda: Any, logical: str, physical: str) -> Function:
    alias = awslambda.get_alias(FunctionName=physical, Name=ALIAS)
    pages = awslambda.get_paginator("list_versions_by_function").paginate(FunctionName=physical)
    versions = {
        int(each["Version"]): _version(each)
        for page in pages
        for each in page["Versions"]
        if each["Version"] != "$LATEST"
    }
    serves = versions[int(alias["FunctionVersion"])]
    before = max((number for number in versions if number < serves.number), default=None)
    weights = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    return Function(
        name=logical.removesuffix("Function"),
        physical=physical,
        serves=serves,
        before=None if before is None else versions[before],
        newest=versions[max(versions)],
        is_shifting=bool(weights),
        revision=alias["RevisionId"],
    )


def _version(described: Mapping[str, Any]) -> Version:
    published = datetime.fromisoformat(described["LastModified"])
    return Version(int(described["Version"]), published, described.get("Description", ""))


def _of_last_deploy(functions: Sequence[Function]) -> list[tuple[Function, Version]]:
    """Those that it changed, and what they served before. A function that it left alone is none of
    them; one that is on its way to a newer version still has the one before it.
    """
    latest = [each.newest if each.is_shifting else each.serves for each in functions]
    last = max((each.published for each in latest), default=None)
    if last is None:
        return []
    found = []
    for each, version in zip(functions, latest, strict=True):
        before = each.serves if each.is_shifting else each.before
        if before and last - version.published <= ONE_DEPLOY:
            found.append((each, before))
    return found


def _data(function: Function, before: Version) -> dict[str, Any]:
    return {
        "function": function.name,
        "from": (function.newest if function.is_shifting else function.serves).number,
        "to": before.number,
        "published": stamp(before.published),
    }
