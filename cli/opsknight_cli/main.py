"""`opsknight`: exit code 0 when done, 1 when it could not be done (a sentence says why), 2 for
wrong usage.
"""

import json
from typing import Annotated, NoReturn

import typer
from botocore.exceptions import BotoCoreError, ClientError

from opsknight import runtime
from opsknight.store.calls import Unavailable
from opsknight_cli.bootstrap import Made, Names, Unusable, bootstrap
from opsknight_cli.deployments import NotFound, find

app = typer.Typer(
    help="Operate an OpsKnight Serverless deployment.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _commands() -> None:
    """Operate an OpsKnight Serverless deployment."""


@app.command("bootstrap")
def bootstrap_command(
    stack: Annotated[str, typer.Option(help="The CloudFormation stack.")] = "opsknight",
    region: Annotated[
        str | None, typer.Option(help="Its region; else that of your AWS setup.")
    ] = None,
    profile: Annotated[str | None, typer.Option(help="The AWS profile to use.")] = None,
    team: Annotated[str, typer.Option(help="Who answers for the service.")] = "On-call",
    user: Annotated[str, typer.Option(help="Their first member, an admin.")] = "Admin",
    email: Annotated[str | None, typer.Option(help="Their address; needed once.")] = None,
    service: Annotated[str, typer.Option(help="What is monitored.")] = "Demo service",
    integration: Annotated[str, typer.Option(help="What monitors it.")] = "Monitoring",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Create the first team, user, service, integration and keys.

    What exists under its name is used; the integration must be new. The keys are shown once.
    """
    try:
        deployment = find(stack, region, profile)
        names = Names(team=team, user=user, email=email, service=service, integration=integration)
        made = bootstrap(deployment.table, names, runtime.now(), runtime.new_id)
    except (NotFound, Unusable, Unavailable) as error:
        _fail(str(error))
    except (BotoCoreError, ClientError) as error:
        _fail(f"AWS refused: {error}")
    if as_json:
        typer.echo(json.dumps(_told(deployment.url, names, made)))
        return
    typer.echo(f"In stack {stack}:\n")
    for kind, name, id_ in (
        ("team", team, made.team_id),
        ("user", user, made.user_id),
        ("service", service, made.service_id),
        ("integration", integration, made.integration_id),
    ):
        typer.echo(f"  {kind:<15}  {name} ({id_}){'' if id_ in made.new else ', as it was'}")
    typer.echo(
        f"  integration key  {made.integration_key}\n"
        f"  API key          {made.api_key}  (of {user}, scope events:write)\n"
        "\n"
        "The keys are stored as hashes and cannot be shown again. Send a first event:\n"
        "\n"
        f"{curl(deployment.url, made.integration_key)}"
    )


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


def _told(url: str, names: Names, made: Made) -> dict[str, str]:
    return {
        "url": url,
        "integrationKey": made.integration_key,
        "apiKey": made.api_key,
        "teamId": made.team_id,
        "userId": made.user_id,
        "serviceId": made.service_id,
        "integrationId": made.integration_id,
        "integration": names.integration,
    }


def _fail(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(1)


def main() -> None:
    app()
