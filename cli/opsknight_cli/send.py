"""`send`: one event, as a monitoring tool sends it."""

import json
from typing import Annotated, Any, Final

import typer
import urllib3

from opsknight.incident.model import Action, Severity
from opsknight_cli.deployments import Where, local_settings
from opsknight_cli.session import (
    Ended,
    JsonOption,
    ProfileOption,
    Refused,
    RegionOption,
    StackOption,
    session_of,
)
from opsknight_cli.terminal.screen import Screen

PATIENCE: Final = urllib3.Timeout(connect=5, read=30)
ACCEPTED: Final = 202

app = typer.Typer()


@app.command("send")
def send_command(
    context: typer.Context,
    key: Annotated[
        str | None,
        typer.Option(
            "--key",
            envvar="OPSKNIGHT_INTEGRATION_KEY",
            help="An integration key; with `make run`, the demo's.",
            show_default=False,
        ),
    ] = None,
    action: Annotated[Action, typer.Option("--action", help="What to ask for.")] = Action.TRIGGER,
    dedup_key: Annotated[
        str, typer.Option("--dedup-key", help="Names the problem.")
    ] = "opsknight-test",
    summary: Annotated[
        str, typer.Option("--summary", help="What is wrong.")
    ] = "Test event of opsknight send",
    severity: Annotated[Severity, typer.Option("--severity", help="How bad it is.")] = (
        Severity.INFO
    ),
    source: Annotated[str, typer.Option("--source", help="Where.")] = "opsknight send",
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send a test event. It is a real one: what it opens pages people."""
    session, screen = session_of(context), Screen(as_json=as_json)
    where = Where(stack, region, profile)
    if key is None and where == Where():
        key = local_settings().get("OPSKNIGHT_INTEGRATION_KEY")
    if key is None:
        raise Refused("Which integration? Give its key with --key, or OPSKNIGHT_INTEGRATION_KEY.")
    url = session.find(where).url
    payload = {"summary": summary, "source": source, "severity": severity.value}
    event = {"event_action": action.value, "dedup_key": dedup_key, "payload": payload}
    status, answer = post(url, key, event)
    if as_json:
        screen.data({"status": status, "answer": answer})
    if status != ACCEPTED:
        if as_json:
            raise Ended(1)
        raise Refused(f"{status}: {_reason(answer)}")
    if as_json:
        return
    result = answer["result"]
    incident = result.get("incident")
    if incident is None:
        screen.say(f"{result['action']}: {result.get('reason')}")
    else:
        screen.say(f"{result['action']}: {incident['id']} is {incident['status']}.", "green")


def post(url: str, key: str, event: dict[str, Any]) -> tuple[int, Any]:
    """Raises Refused when nothing answers."""
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
        raise Refused(f"{url} does not answer: {error}") from None
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
