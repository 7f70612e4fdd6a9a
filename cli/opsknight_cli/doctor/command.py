"""`doctor`: looks a deployment over, and says what is wrong and how to mend it. Writes nothing."""

import threading
from collections.abc import Iterable, Mapping
from functools import partial
from importlib.metadata import version
from typing import Any, Final

import typer
from botocore.exceptions import ClientError, NoCredentialsError
from rich.text import Text

from opsknight.config.configuration import Configuration
from opsknight.store.configurations import Configurations
from opsknight_cli.deployments import Account, Where, table_of
from opsknight_cli.doctor import judging
from opsknight_cli.doctor.asking import CHECKS, OF_THE_CONFIGURATION, Facts, Resource
from opsknight_cli.doctor.judging import Finding, Verdict, failed, ok, unchecked
from opsknight_cli.doctor.running import run
from opsknight_cli.session import (
    Ended,
    JsonOption,
    ProfileOption,
    RegionOption,
    Session,
    StackOption,
    session_of,
)
from opsknight_cli.terminal.screen import Screen

# Worse first; 1 is for commands that could not do what was asked.
CODES: Final = {Verdict.FAILED: 3, Verdict.WARNING: 2, Verdict.NOT_CHECKED: 2, Verdict.OK: 0}
_COLOURS: Final = {
    Verdict.OK: "green",
    Verdict.WARNING: "yellow",
    Verdict.FAILED: "bold red",
    Verdict.NOT_CHECKED: "cyan",
}

app = typer.Typer()


@app.command("doctor")
def doctor_command(
    context: typer.Context,
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a deployment. Exit code 2 for warnings, 3 for what has failed. Writes nothing."""
    session, screen = session_of(context), Screen(as_json=as_json)
    account = session.reach(Where(stack, region, profile))
    findings = examine(account, session)
    if as_json:
        screen.data(_told(account, findings))
    else:
        _show(account, findings, screen)
    if code := max(CODES[each.verdict] for each in findings):
        raise Ended(code)


def examine(account: Account, session: Session) -> list[Finding]:
    clients = _Clients(account)
    found: list[Finding] = []
    stack: dict[str, Any] = {}
    resources: dict[str, Resource] = {}
    first = {
        "credentials": lambda: _who(clients),
        "stack": lambda: _stack(clients, account.stack, stack, resources),
    }
    found += run(first, session.checked_within)
    if not resources:
        why = "Without the stack it is not known where to look."
        return [*found, unchecked("everything else", why)]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
    found.append(judging.version(outputs.get("Version"), version("opsknight")))
    table = table_of(clients("dynamodb"), stack)
    configuration: list[Configuration] = []

    def read() -> Iterable[Finding]:
        seen = Configurations(table).read(session.deadline())
        configuration.append(seen.configuration)
        yield ok("configuration", f"Revision {seen.revision} can be read.")

    found += run({"configuration": read}, session.checked_within)
    parameters = {
        each["ParameterKey"]: each["ParameterValue"] for each in stack.get("Parameters", [])
    }
    facts = Facts(
        client=clients,
        parameters=parameters,
        resources=resources,
        configuration=configuration[0] if configuration else Configuration(),
        table=table,
        stack=account.stack,
        now=session.now(),
        patience=session.checked_within,
    )
    possible = {
        name: partial(check, facts)
        for name, check in CHECKS.items()
        if configuration or name not in OF_THE_CONFIGURATION
    }
    found += run(possible, session.checked_within)
    if not configuration:
        why = "Without the configuration it is not known what is used."
        found += [unchecked(check, why) for check in OF_THE_CONFIGURATION]
    return found


class _Clients:
    """A client for each service; a session makes them one at a time."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._lock = threading.Lock()
        self._made: dict[str, Any] = {}

    def __call__(self, service: str) -> Any:
        with self._lock:
            if service not in self._made:
                self._made[service] = self._account.client(service)
            return self._made[service]


def _who(clients: _Clients) -> Iterable[Finding]:
    login = "Log in (`aws sso login`), or name a profile with --profile."
    try:
        answer = clients("sts").get_caller_identity()
    except NoCredentialsError:
        yield failed("credentials", "There are none.", login)
    except ClientError as error:
        said = f"AWS does not take them: {error.response['Error']['Code']}."
        yield failed("credentials", said, login)
    else:
        yield ok("credentials", answer["Arn"])


def _stack(
    clients: _Clients, name: str, stack: dict[str, Any], resources: dict[str, Resource]
) -> Iterable[Finding]:
    cloudformation = clients("cloudformation")
    try:
        found = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        mend = "Name it with --stack and --region, or deploy it: `make deploy`."
        said = f"There is no stack {name} in {cloudformation.meta.region_name}."
        yield failed("stack", said, mend)
        return
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    known = {
        each["LogicalResourceId"]: Resource(each["ResourceType"], each["PhysicalResourceId"])
        for page in pages
        for each in page["StackResourceSummaries"]
        # One whose making failed has none.
        if each.get("PhysicalResourceId")
    }
    if "Table" not in known:
        yield failed("stack", f"{name} is no OpsKnight deployment.", "Name another with --stack.")
        return
    stack |= found
    resources |= known
    yield judging.stack(found["StackStatus"])


def _show(account: Account, findings: Iterable[Finding], screen: Screen) -> None:
    screen.say(f"Looking over {account.name}. Nothing is changed.", "bold")
    screen.say()
    counts: dict[Verdict, int] = {}
    for finding in findings:
        counts[finding.verdict] = counts.get(finding.verdict, 0) + 1
        line = Text()
        line.append(f"{finding.verdict:<13}", _COLOURS[finding.verdict])
        line.append(f"{finding.check}: ", "bold")
        line.append(finding.said)
        screen.hanging(line, 0, 13)
        if finding.mend is not None:
            screen.say(finding.mend, indent=13)
    screen.say()
    words = {each: each.value for each in Verdict}
    if counts.get(Verdict.WARNING, 0) > 1:
        words[Verdict.WARNING] = "warnings"
    said = ", ".join(f"{counts[each]} {word}" for each, word in words.items() if each in counts)
    screen.say(f"{said[0].upper()}{said[1:]}.")


def _told(account: Account, findings: list[Finding]) -> dict[str, Any]:
    worst = max(findings, key=lambda each: CODES[each.verdict]).verdict
    found: list[Mapping[str, Any]] = [
        {
            "check": each.check,
            "verdict": each.verdict.value,
            "said": each.said,
            "mend": each.mend,
        }
        for each in findings
    ]
    return {"stack": account.stack, "isOk": CODES[worst] == 0, "checks": found}
