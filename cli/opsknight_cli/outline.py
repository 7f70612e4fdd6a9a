"""The commands as `--help` and completion show them, from an outline that lies beside this module.

A command's own module is imported when the command runs, and no earlier: with its models and the
libraries of AWS it takes longer than anybody waits for a Tab. `python -m opsknight_cli.everything`
writes the outline; what it does not know is looked for among all commands.
"""

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Self

import typer
from typer import core
from typer._coercion import TypeDescriptor
from typer._completion_classes import completion_init
from typer.completion import install_callback, show_callback
from typer.main import get_command_from_info
from typer.models import ArgumentInfo, OptionInfo

from opsknight_cli import known_names

STORED: Final = Path(__file__).with_name("outline.json")
EVERYTHING: Final = "opsknight_cli.everything"
HELP: Final = ("-h", "--help")

type Described = Mapping[str, Any]


class _Shown:
    """What parameters of an outline have in common: they convert nothing, and show what was
    stored.
    """

    described: Described

    callback: Callable[[Any, Any, Any], Any] | None

    def process_value(self, ctx: Any, value: Any) -> Any:
        return value if self.callback is None else self.callback(ctx, self, value)

    def display_type_rich(self, ctx: Any) -> str | None:
        shown: str | None = self.described["shows"]
        return shown

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        choices = self.described["choices"]
        if choices is None:
            choices = known_names.of(str(self.described["name"]), ctx.params.get("stack"))
        small = incomplete.lower()
        item = import_module("typer._click.shell_completion").CompletionItem
        return [item(each) for each in choices if each.lower().startswith(small)]


class _Argument(_Shown, core.TyperArgument):
    @classmethod
    def of(cls, described: Described) -> Self:
        made = cls(
            param_decls=[described["name"]],
            type_descriptor=TypeDescriptor(str, ArgumentInfo(), None),
            **described["settings"],
        )
        made.described = described
        return made


class _Option(_Shown, core.TyperOption):
    @classmethod
    def of(cls, described: Described) -> Self:
        annotation = bool if described["settings"]["is_flag"] else str
        made = cls(
            param_decls=[described["name"], *described["options"]],
            type_descriptor=TypeDescriptor(annotation, OptionInfo(), None),
            **described["settings"],
        )
        made.described = described
        return made


class _Helped:
    """The library shows `<bool>` for `--help`, and imports pydantic to see that it is not given."""

    def get_help_option(self, ctx: Any) -> Any:
        found = super().get_help_option(ctx)  # type: ignore[misc]
        if found is not None:
            found.metavar = ""
            found.process_value = lambda ctx, value: found.callback(ctx, found, value)
        return found


class _Command(_Helped, core.TyperCommand):
    """Shows its help and completes its options; to run, it becomes the real one."""

    def __init__(self, name: str, described: Described) -> None:
        super().__init__(
            name,
            params=[_parameter(each) for each in described["parameters"]],
            help=described["help"],
            rich_markup_mode="rich",
        )
        self._module: str = described["module"]

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **more: Any) -> Any:
        if more.get("resilient_parsing"):
            return super().make_context(info_name, args, *rest, **more)
        if any(each in HELP for each in args):
            # Ends the program, unless the word is an option's value.
            super().make_context(info_name, list(args), *rest, **more)
        real = loaded(self._module, str(self.name))
        try:
            return real.make_context(info_name, args, *rest, **more)
        except typer.BadParameter as error:
            # The name of a class, which pydantic puts before the sentence.
            error.message = error.message.removeprefix("Value error, ")
            raise


class _Group(_Helped, core.TyperGroup):
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args or ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        # Help that nobody asked for tells of a mistake.
        with redirect_stdout(sys.stderr):
            return super().parse_args(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        found = super().get_command(ctx, cmd_name)
        if found is None and not ctx.resilient_parsing and not cmd_name.startswith("-"):
            # New in this tree: the outline will be written anew.
            group = import_module(EVERYTHING).command()
            for word in _words(ctx):
                group = group.commands.get(word, group)
            found = group.commands.get(cmd_name)
        return found


def _words(ctx: Any) -> list[str]:
    words: list[str] = []
    while ctx.parent is not None:
        words.insert(0, ctx.info_name)
        ctx = ctx.parent
    return words


def loaded(module: str, name: str) -> Any:
    """The real command of this name in a module."""
    apps = [each for each in vars(import_module(module)).values() if isinstance(each, typer.Typer)]
    [info] = {
        id(each): each for app in apps for each in app.registered_commands if each.name == name
    }.values()
    return get_command_from_info(info, pretty_exceptions_short=True, rich_markup_mode="rich")


@cache
def command() -> Any:
    """The whole tree of commands, in outline."""
    # Sets up the completion of each shell.
    completion_init()
    described = json.loads(STORED.read_text(encoding="utf-8"))
    root = _group("opsknight", described, {"help_option_names": list(HELP)})
    root.params += [
        _flag("version", _show_version, "Show the version and exit."),
        _flag("install_completion", install_callback, "Install completion for this shell."),
        _flag("show_completion", show_callback, "Show the completion for this shell."),
    ]
    return root


class _Commands(dict[str, Any]):
    """The commands of a group by their names. Each is made when somebody asks for it: nearly all
    calls are about one of them.
    """

    def get(self, name: str, default: Any = None) -> Any:
        found = super().get(name, default)
        if isinstance(found, _Unmade):
            found = self[name] = found.make(name)
        return found


@dataclass(frozen=True)
class _Unmade:
    described: Described

    def make(self, name: str) -> Any:
        described = self.described
        is_group = "commands" in described
        return _group(name, described) if is_group else _Command(name, described)


def _group(name: str, described: Described, settings: dict[str, Any] | None = None) -> _Group:
    commands = {each: _Unmade(inner) for each, inner in described["commands"].items()}
    return _Group(
        name=name,
        commands=_Commands(commands),
        help=described["help"],
        no_args_is_help=True,
        context_settings=settings,
        rich_markup_mode="rich",
    )


def _parameter(described: Described) -> Any:
    return _Option.of(described) if described["options"] else _Argument.of(described)


def _flag(name: str, callback: Callable[[Any, Any, Any], Any], shown: str) -> _Option:
    settings = {"is_flag": True, "is_eager": True, "expose_value": False, "callback": callback}
    option = f"--{name.replace('_', '-')}"
    return _Option.of(
        {
            "name": name,
            "options": [option],
            "shows": None,
            "choices": (),
            "settings": settings | {"help": shown},
        }
    )


def _show_version(ctx: Any, _: object, asked: Any) -> None:
    if asked and not ctx.resilient_parsing:
        typer.echo(f"opsknight {version('opsknight')}")
        raise typer.Exit
