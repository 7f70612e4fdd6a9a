"""`doctor`: runs the checks in their order, and shows what they find."""

import threading
from collections.abc import Iterable, Mapping
from functools import partial
from importlib.metadata import version
from typing import Any, Final

import typer
from botocore.exceptions import ClientError, NoCredentialsError
from rich.text import Text

from opsknight.config.configuration import Configuration
from opsknight.health.findings import Finding, Verdict, failed, ok, unchecked
from opsknight.store.configurations import Configurations
from opsknight_cli.deployments import Account, table_of
from opsknight_cli.doctor import account_findings
from opsknight_cli.doctor.checks import CHECKS, OF_THE_CONFIGURATION
from opsknight_cli.doctor.deployed import Deployed, Resource
from opsknight_cli.doctor.running import run
from opsknight_cli.session import Exit, Session
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.screen import Screen

# Worst first. 1 would mean that the command itself failed.
CODES: Final = {Verdict.FAILED: 3, Verdict.WARNING: 2, Verdict.NOT_CHECKED: 2, Verdict.OK: 0}
_COLOURS: Final = {
    Verdict.OK: "green",
    Verdict.WARNING: "yellow",
    Verdict.FAILED: "bold red",
    Verdict.NOT_CHECKED: "cyan",
}

app = typer.Typer()


@app.command("doctor")
@common_options()
def doctor_command(invocation: Invocation) -> None:
    """Check a deployment. The exit code is 2 for warnings and 3 for failures. Changes nothing."""
    session, screen = invocation.session, invocation.screen
    account = session.reach(invocation.where)
    findings = examine(account, session)
    if screen.as_json:
        screen.data(_data(account, findings))
    else:
        _show(account, findings, screen)
    if code := max(CODES[each.verdict] for each in findings):
        raise Exit(code)


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
        why = "The other checks need the stack."
        return [*found, unchecked("everything else", why)]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
    found.append(account_findings.version(outputs.get("Version"), version("opsknight")))
    table = table_of(clients("dynamodb"), stack)
    configuration: list[Configuration] = []

    def read() -> Iterable[Finding]:
        seen = Configurations(table).read(session.deadline())
        configuration.append(seen.configuration)
        yield ok("configuration", f"Revision {seen.revision} is readable.")

    found += run({"configuration": read}, session.checked_within)
    parameters = {
        each["ParameterKey"]: each["ParameterValue"] for each in stack.get("Parameters", [])
    }
    deployed = Deployed(
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
        name: partial(check, deployed)
        for name, check in CHECKS.items()
        if configuration or name not in OF_THE_CONFIGURATION
    }
    found += run(possible, session.checked_within)
    if not configuration:
        why = "This check needs the configuration."
        found += [unchecked(check, why) for check in OF_THE_CONFIGURATION]
    return found


class _Clients:
    """One client for each service. A boto3 session may make only one at a time."""

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
    login = "Log in (`aws sso login`), or give a profile with --profile."
    try:
        answer = clients("sts").get_caller_identity()
    except NoCredentialsError:
        yield failed("credentials", "There are no credentials.", login)
    except ClientError as error:
        said = f"AWS rejects them: {error.response['Error']['Code']}."
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
        mend = "Give its name with --stack and --region, or deploy it: `make deploy`."
        said = f"There is no stack {name} in {cloudformation.meta.region_name}."
        yield failed("stack", said, mend)
        return
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    known = {
        each["LogicalResourceId"]: Resource(each["ResourceType"], each["PhysicalResourceId"])
        for page in pages
        for each in page["StackResourceSummaries"]
        # A resource that could not be created has no id.
        if each.get("PhysicalResourceId")
    }
    if "Table" not in known:
        yield failed(
            "stack", f"{name} is not an OpsKnight deployment.", "Give another name with --stack."
        )
        return
    stack |= found
    resources |= known
    yield account_findings.stack(found["StackStatus"])


def _show(account: Account, findings: Iterable[Finding], screen: Screen) -> None:
    screen.say(f"Checking {account.name}. Nothing is changed.", "bold")
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
    total = ", ".join(f"{counts[each]} {word}" for each, word in words.items() if each in counts)
    screen.say(f"{total}.")


def _data(account: Account, findings: list[Finding]) -> dict[str, Any]:
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
