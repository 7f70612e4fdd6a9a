"""Every command in a document is one that there is, with these options: of `opsknight`, of `make`,
of the AWS command line, and modules that Python runs.
"""

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import botocore.session
import pytest

from opsknight_cli.outline import STORED

ROOT: Final = Path(__file__).resolve().parents[2]
DOCUMENTS: Final = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
# What a span of code or a line of a shell may begin with before the program's own name.
_BEFORE: Final = re.compile(r"^(?:\$ |sudo |time |[A-Z_]+=\S+ )*")
# Where a command ends inside of a line.
_ENDS: Final = re.compile(r"\s(?:\||&&|;|>|<|#)(?:\s|$)|;$| \|\| ")
_SUBSTITUTED: Final = re.compile(r"\$\(((?:opsknight|aws) [^()]+)\)")
_HELP: Final = frozenset({"--help", "-h", "--version", "--install-completion", "--show-completion"})
_AWS_GLOBAL: Final = frozenset(
    {"--region", "--query", "--output", "--profile", "--endpoint-url", "--no-cli-pager"}
)
# Commands of the AWS command line that are no operation of an API, with the options that we use.
_AWS_OWN: Final[Mapping[tuple[str, str], frozenset[str]]] = {
    ("cloudformation", "deploy"): frozenset(
        {"--stack-name", "--template-file", "--parameter-overrides", "--capabilities"}
    ),
    ("logs", "tail"): frozenset({"--since", "--follow", "--filter-pattern", "--format"}),
    ("logs", "start-live-tail"): frozenset(
        {"--log-group-identifiers", "--log-event-filter-pattern"}
    ),
    ("s3", "rm"): frozenset({"--recursive"}),
    ("s3", "ls"): frozenset(),
    ("s3", "cp"): frozenset(),
    ("configure", "sso"): frozenset(),
}
# Where the name of a member would be an option of all commands.
_AWS_RENAMED: Final = {("sns", "subscribe"): frozenset({"--notification-endpoint"})}


@dataclass(frozen=True)
class Command:
    document: str
    text: str
    words: tuple[str, ...]


def _spans(text: str) -> Iterator[str]:
    """Each span of code, and each line of a block, continued ones as one."""
    for _, block in re.findall(r"^( *)```\w*\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE):
        yield from re.sub(r"\\\n\s*", "", block).splitlines()
    prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    yield from (" ".join(each.split()) for each in re.findall(r"`([^`]+)`", prose))


def _commands(program: str) -> Iterator[Command]:
    for path in DOCUMENTS:
        for span in _spans(path.read_text(encoding="utf-8")):
            for each in (span, *_SUBSTITUTED.findall(span)):
                line = _ENDS.split(_BEFORE.sub("", each.strip()))[0].strip()
                if line.split(" ")[0] == program:
                    yield Command(str(path.relative_to(ROOT)), line, tuple(_words(line)))


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        # A quotation that goes on in the next line.
        return line.split()


@cache
def _outline() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(STORED.read_text())
    return found


def _wrong_with_ours(words: tuple[str, ...]) -> str:
    """What is wrong with a command of `opsknight`; empty for nothing."""
    node, rest = _outline(), list(words[1:])
    known = set(_HELP)
    while "commands" in node and rest and not rest[0].startswith("-"):
        names = rest[0].strip(".,:").split("|")
        if not names[0] or names[0].isupper():
            # Three dots, or a word for any of them.
            return ""
        if missing := [each for each in names if each not in node["commands"]]:
            return f"no such command: {missing[0]}"
        node, rest = node["commands"][names[0]], rest[1:]
    known |= {name for each in node.get("parameters", ()) for name in each["options"]}
    return _unknown(rest, known)


def _unknown(words: list[str], known: Set[str]) -> str:
    options = [each.split("=")[0] for each in words if re.match(r"--?[a-zA-Z]", each)]
    return next((f"no such option: {each}" for each in options if each not in known), "")


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


def _wrong_with_aws(words: tuple[str, ...]) -> str:
    if len(words) < 3 or words[2].startswith("-"):
        return ""
    service, operation, *rest = words[1:]
    if (service, operation) in _AWS_OWN:
        return _unknown(rest, _AWS_OWN[service, operation] | _AWS_GLOBAL)
    session = _session()
    if service not in session.get_available_services():
        return f"no such service: {service}"
    model = session.get_service_model(service)
    operations = {botocore.xform_name(each, "-"): each for each in model.operation_names}
    if operation not in operations:
        return f"no such operation: {operation}"
    shape = model.operation_model(operations[operation]).input_shape
    known = {f"--{botocore.xform_name(each, '-')}" for each in (shape.members if shape else ())}
    known |= _AWS_RENAMED.get((service, operation), frozenset())
    # Of a member that is true or false, either.
    known |= {each.replace("--", "--no-", 1) for each in known}
    return _unknown(rest, known | _AWS_GLOBAL)


def _wrong_with_make(words: tuple[str, ...]) -> str:
    written = (ROOT / "Makefile").read_text()
    targets = {
        each for line in re.findall(r"^([a-z. -]+):(?!=)", written, re.M) for each in line.split()
    }
    asked = [each for each in words[1:] if re.fullmatch(r"[a-z-]+", each)]
    return next((f"no such target: {each}" for each in asked if each not in targets), "")


def _wrong_with_python(words: tuple[str, ...]) -> str:
    match words[1:]:
        case "-m", module, *_ if find_spec(module) is None:
            return f"no such module: {module}"
        case _:
            return ""


_JUDGES: Final = {
    "opsknight": _wrong_with_ours,
    "aws": _wrong_with_aws,
    "make": _wrong_with_make,
    "python": _wrong_with_python,
}


@pytest.mark.parametrize("program", _JUDGES)
def test_every_command_in_a_document_is_one_that_there_is(program: str) -> None:
    commands = list(_commands(program))
    assert len(commands) > 10
    wrong = {
        f"{each.document}: {each.text}": found
        for each in commands
        if (found := _JUDGES[program](each.words))
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("program", "written"),
    [
        ("opsknight", "opsknight hold begin --for 1h"),
        ("opsknight", "opsknight hold on --until 1h"),
        ("aws", "aws sqs redrive-queue --queue-url x"),
        ("aws", "aws sqs purge-queue --queue x"),
        ("make", "make everything"),
        ("python", "python -m bench.nothing"),
    ],
)
def test_a_command_that_there_is_not_is_noticed(program: str, written: str) -> None:
    assert _JUDGES[program](tuple(written.split()))
