"""All commands, with everything that they import; and the outline of them, which this writes.

`python -m opsknight_cli.everything` writes the outline anew, `--check` fails if it is stale.
"""

import json
import re
import sys
from functools import cache
from typing import Any, Final

import typer

from opsknight_cli import (
    analytics,
    audit,
    aws,
    calendar,
    contact,
    heartbeats,
    hold,
    keys,
    login,
    maintenance,
    oncall,
    posts,
    remove,
    restore,
    rollback,
    send,
)
from opsknight_cli.configuration import applying, exporting, offline, planning
from opsknight_cli.doctor import command as doctor
from opsknight_cli.importing import command as importing
from opsknight_cli.importing import finish
from opsknight_cli.incidents import actions, listing, watching
from opsknight_cli.integrations import command as integrations
from opsknight_cli.me import commands as me
from opsknight_cli.outline import STORED
from opsknight_cli.simulate import command as simulate
from opsknight_cli.switching import shadow, status

app = typer.Typer(
    help="Operate an OpsKnight Serverless deployment.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for single in (
    offline.app,
    planning.app,
    applying.app,
    exporting.app,
    oncall.app,
    analytics.app,
    audit.app,
    calendar.app,
    send.app,
    simulate.app,
    doctor.app,
    remove.app,
    restore.app,
    rollback.app,
    login.app,
):
    app.registered_commands += single.registered_commands
incidents = typer.Typer(help="See what is open, and act on it.", no_args_is_help=True)
for part in (listing.app, watching.app, actions.app):
    incidents.registered_commands += part.registered_commands
imports = typer.Typer(
    help="Make a configuration of what another on-call system has.", no_args_is_help=True
)
for part in (importing.app, finish.app):
    imports.registered_commands += part.registered_commands
app.add_typer(keys.app, name="keys")
app.add_typer(integrations.app, name="integrations")
app.add_typer(heartbeats.app, name="heartbeats")
app.add_typer(incidents, name="incidents")
app.add_typer(imports, name="import")
app.add_typer(contact.app, name="contact")
app.add_typer(me.app, name="me")
app.add_typer(oncall.overrides, name="override")
app.add_typer(maintenance.app, name="maintenance")
app.add_typer(posts.app, name="posts")
app.add_typer(hold.app, name="hold")
app.add_typer(aws.app, name="aws")
app.add_typer(shadow.app, name="shadow")
app.add_typer(status.app, name="switch")

_SETTINGS: Final = ("required", "nargs", "metavar", "envvar", "show_default", "show_envvar", "help")
_NUMBERS: Final = ("hidden", "min", "max")
_OF_OPTIONS: Final = ("is_flag", "multiple")


@cache
def command() -> Any:
    """The whole tree of commands. Typer takes a while to make it."""
    return typer.main.get_command(app)


def outline(of: Any) -> dict[str, Any]:
    described: dict[str, Any] = {"help": of.help}
    if hasattr(of, "commands"):
        return described | {"commands": {name: outline(it) for name, it in of.commands.items()}}
    described["module"] = of.callback.__module__
    context = of.context_class(of, info_name=of.name)
    described["parameters"] = [_parameter(it, context) for it in of.params if it.name != "help"]
    return described


def _parameter(of: Any, context: Any) -> dict[str, Any]:
    is_option = of.param_type_name == "option"
    names = (*_SETTINGS, *_NUMBERS, *(_OF_OPTIONS if is_option else ()))
    default = of.default
    # A flag says by itself what it is.
    shows = None if is_option and of.is_flag else of.display_type_rich(context)
    if shows is not None:
        shows = re.sub(r"^<list\[(.*)\]>$", r"<\1>", shows)
    choices = of.type_descriptor.choices
    return {
        "name": of.name,
        "options": [*of.opts, *of.secondary_opts] if is_option else [],
        "shows": shows,
        "choices": None if choices is None else [str(each) for each in choices],
        "settings": {name: getattr(of, name) for name in names}
        | {"default": None if default is None or callable(default) else default},
    }


def main() -> None:
    text = json.dumps(outline(command()), indent=1, ensure_ascii=False) + "\n"
    if "--check" not in sys.argv[1:]:
        STORED.write_text(text, encoding="utf-8")
    elif text != STORED.read_text(encoding="utf-8"):
        sys.exit("The outline of the commands is stale: python -m opsknight_cli.everything")


if __name__ == "__main__":
    main()
