"""`send`: posts one event to a deployment, as a monitoring tool does."""

import json
from typing import Annotated, Any, Final

import typer
import urllib3

from opsknight.incident.model import Action, Severity
from opsknight_cli.deployments import local_settings
from opsknight_cli.session import (
    CommandError,
    Exit,
    Where,
)
from opsknight_cli.terminal.invocation import Invocation, common_options

PATIENCE: Final = urllib3.Timeout(connect=5, read=30)
ACCEPTED: Final = 202

app = typer.Typer()


@app.command("send")
@common_options()
def send_command(
    invocation: Invocation,
    key: Annotated[
        str | None,
        typer.Option(
            "--key",
            envvar="OPSKNIGHT_INTEGRATION_KEY",
            help="An integration key; with `make run`, defaults to the demo's.",
            show_default=False,
        ),
    ] = None,
    action: Annotated[Action, typer.Option("--action", help="What to do.")] = Action.TRIGGER,
    dedup_key: Annotated[
        str, typer.Option("--dedup-key", help="The name of the problem.")
    ] = "opsknight-test",
    summary: Annotated[
        str, typer.Option("--summary", help="What is wrong.")
    ] = "Test event of opsknight send",
    severity: Annotated[Severity, typer.Option("--severity", help="How bad it is.")] = (
        Severity.INFO
    ),
    source: Annotated[
        str, typer.Option("--source", help="Where the problem is.")
    ] = "opsknight send",
) -> None:
    """Send a test event. It is a real event: the incident that it opens pages people."""
    screen = invocation.screen
    if key is None and invocation.where == Where():
        key = local_settings().get("OPSKNIGHT_INTEGRATION_KEY")
    if key is None:
        raise CommandError("Give an integration key, with --key or in OPSKNIGHT_INTEGRATION_KEY.")
    url = invocation.deployment.url
    payload = {"summary": summary, "source": source, "severity": severity.value}
    event = {"event_action": action.value, "dedup_key": dedup_key, "payload": payload}
    status, answer = post(url, key, event)
    if screen.as_json:
        screen.data({"status": status, "answer": answer})
    if status != ACCEPTED:
        if screen.as_json:
            raise Exit(1)
        raise CommandError(f"{status}: {_reason(answer)}")
    if screen.as_json:
        return
    result = answer["result"]
    incident = result.get("incident")
    if incident is None:
        screen.say(f"{result['action']}: {result.get('reason')}")
    else:
        screen.say(f"{result['action']}: {incident['id']} is {incident['status']}.", "green")


def post(url: str, key: str, event: dict[str, Any]) -> tuple[int, Any]:
    """The status and the body of the answer. Raises CommandError when nothing answers."""
    try:
        answer = urllib3.request(
            "POST",
            f"{url.rstrip('/')}/api/events",
            json=event,
            headers={"Authorization": f"Token token={key}"},
            timeout=PATIENCE,
            retries=False,
        )
    except urllib3.exceptions.HTTPError as error:
        raise CommandError(f"{url} does not answer: {error}") from None
    try:
        return answer.status, json.loads(answer.data)
    except ValueError:
        return answer.status, {"error": answer.data.decode(errors="replace")[:200]}


def _reason(answer: Any) -> str:
    said = [str(answer.get(name)) for name in ("error", "message") if answer.get(name)]
    said += [f"{each['path']}: {each['message']}" for each in answer.get("issues", [])]
    return " ".join(said) or "no reason was given"


def curl(url: str, integration_key: str) -> str:
    """A command that triggers an incident when pasted into a shell."""
    return (
        f"curl -X POST {url.rstrip('/')}/api/events \\\n"
        f"  -H 'Authorization: Token token={integration_key}' \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        # Short lines: a terminal that breaks one in the middle of a string breaks the JSON.
        """  -d '{"event_action": "trigger", "dedup_key": "hello-opsknight",
       "payload": {"summary": "Hello from a first event",
                   "source": "curl", "severity": "warning"}}'"""
    )
