"""`integrations list`, `show` and `test`. They send nothing, and open no incident."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from opsknight.config.configuration import Configuration, Kind, id_of, slug_of
from opsknight.config.spelling import did_you_mean
from opsknight.directory.integrations import Integration
from opsknight.directory.presets import Preset
from opsknight.integrations import builtin
from opsknight_cli.configuration.loading import load_valid, name_of
from opsknight_cli.files.texts import STDIN
from opsknight_cli.integrations import trial, view
from opsknight_cli.session import CommandError, NotFound, UsageError
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.naming import configuration

# What stands in setup steps where no deployment says its address.
NOWHERE: Final = "https://YOUR-API"

app = typer.Typer(
    help="See how to connect a tool, and what its payloads become.", no_args_is_help=True
)

FileOption = Annotated[
    str | None,
    typer.Option("--file", help="Use this configuration file instead of a deployment."),
]


@app.command("list")
@common_options()
def list_command(invocation: Invocation, file: FileOption = None) -> None:
    """List the tools that OpsKnight understands, and your own presets."""
    found = _presets(invocation, file)
    if invocation.screen.as_json:
        invocation.screen.data({"integrations": [view.data(each) for each in found.values()]})
    else:
        view.show_list(found, invocation.screen)


@app.command("show")
@common_options()
def show_command(
    invocation: Invocation,
    name: Annotated[str, typer.Argument(help="The integration's name, as `list` shows it.")],
    file: FileOption = None,
) -> None:
    """Show how to set up a tool, with the address filled in."""
    preset = _find(invocation, name, file)
    url = _url(invocation, file)
    if invocation.screen.as_json:
        invocation.screen.data(view.data(preset) | {"setup": view.steps(preset, url)})
    else:
        view.show(preset, url, invocation.screen)


@app.command("test")
@common_options()
def test_command(
    invocation: Invocation,
    name: Annotated[str, typer.Argument(help="The integration's name, as `list` shows it.")],
    payload: Annotated[
        str, typer.Argument(help="A file with a payload of the tool, or - for standard input.")
    ],
    header: Annotated[
        list[str] | None,
        typer.Option("--header", help='A header of the request, "Name: value"; may be repeated.'),
    ] = None,
    service: Annotated[
        str | None, typer.Option("--service", help="The service of the integration with routes.")
    ] = None,
    integration: Annotated[
        str | None, typer.Option("--integration", help="The integration whose routes to try.")
    ] = None,
    file: FileOption = None,
) -> None:
    """Show which events a payload becomes, and why. Sends nothing."""
    if (service is None) is not (integration is None):
        raise UsageError("Give both --service and --integration, or neither.")
    if file == STDIN == payload:
        raise UsageError("Standard input can be the payload or the configuration, not both.")
    if name == trial.AWS:
        rules = _configuration(invocation, file)
        events = trial.played_aws(_payload(invocation, payload), rules, invocation.session.now())
        _show(invocation, events, "AWS", payload)
        return
    preset = _find(invocation, name, file)
    known = None
    routed = None
    if service is not None and integration is not None:
        known = _configuration(invocation, file)
        routed = _integration(known, service, integration)
    body = _payload(invocation, payload)
    tried = trial.played(preset, body, _headers(header or []), routed, known)
    _show(invocation, tried, preset.name, payload)


def _show(invocation: Invocation, tried: list[trial.Tried], tool: str, payload: str) -> None:
    if invocation.screen.as_json:
        invocation.screen.data(view.tried_data(tried))
    else:
        view.show_tried(tried, tool, name_of(payload), invocation.screen)


def _url(invocation: Invocation, file: str | None) -> str:
    try:
        return NOWHERE if file is not None else invocation.deployment.url.rstrip("/")
    except NotFound:
        return NOWHERE


def _presets(invocation: Invocation, file: str | None) -> dict[str, Preset]:
    """By name: ours, and those of the file or the deployment."""
    found = {name: preset for name in builtin.names() if (preset := builtin.find(name))}
    try:
        own = _configuration(invocation, file).presets
    except NotFound:
        # Ours are worth a look before there is a deployment.
        return found
    return found | {slug_of(each.id): each for each in own.values()}


def _find(invocation: Invocation, name: str, file: str | None) -> Preset:
    if found := builtin.find(name):
        return found
    known = _presets(invocation, file)
    if name not in known:
        hint = did_you_mean(name, known) or " `opsknight integrations list` shows all."
        raise CommandError(f'There is no integration "{name}".{hint}')
    return known[name]


def _configuration(invocation: Invocation, file: str | None) -> Configuration:
    return configuration(invocation) if file is None else load_valid(invocation, file)


def _integration(known: Configuration, service: str, integration: str) -> Integration:
    key = f"{id_of(Kind.SERVICE, service)}/{id_of(Kind.INTEGRATION, integration)}"
    if key not in known.integrations:
        raise CommandError(f'There is no integration "{integration}" of service {service}.')
    return known.integrations[key]


def _payload(invocation: Invocation, file: str) -> Any:
    try:
        if file == STDIN:
            return json.loads(invocation.session.read_stdin())
        return json.loads(Path(file).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise CommandError(f"{name_of(file)} is not JSON: {error}.") from None


def _headers(given: list[str]) -> Mapping[str, str]:
    parts = [each.partition(":") for each in given]
    if wrong := next((name for name, colon, _ in parts if not colon), None):
        raise UsageError(f'A header looks like "Name: value", and "{wrong}" does not.')
    return {name.strip().lower(): value.strip() for name, _, value in parts}
