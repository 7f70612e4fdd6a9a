"""What `make run` prints: a line for each step of the start, each event and each message."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Any

from rich.console import Console
from rich.text import Text

from inbox.mailbox import Message
from local.front import Exchange

_COLOURS = {
    "triggered": "bold red",
    "deduplicated": "yellow",
    "acknowledged": "cyan",
    "resolved": "green",
    "ignored": "bright_black",
    "refused": "magenta",
    "failed": "bold magenta",
}

_LONGEST = 140
"""Characters after the status code: a title may have 500."""


class Screen:
    """Writes to standard output: in colour where that is a terminal, and never cutting a line."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Shows the step while it runs, and then how long it took."""
        started = time.monotonic()
        if self._console.is_terminal:
            with self._console.status(Text(title)):
                yield
        else:
            yield
        self._print(Text(f"  {title:<44} {time.monotonic() - started:5.1f} s"))

    def say(self, text: str, style: str = "") -> None:
        """Prints the text without breaking its lines, so that it can be copied."""
        self._print(Text(text, style))

    def event(self, exchange: Exchange) -> None:
        """Prints a line for a request to the events API, and its answer."""
        if exchange.path != "/api/events":
            return
        self._print(event_line(exchange, time.strftime("%H:%M:%S")))

    def message(self, message: Message) -> None:
        """Prints a line for a message in the inbox."""
        self._print(message_line(message, time.strftime("%H:%M:%S")))

    def _print(self, text: Text) -> None:
        # A closed terminal or pipe must not interrupt the clean-up: a signal that ends us follows.
        with suppress(OSError):
            self._console.print(text, soft_wrap=True)


def event_line(exchange: Exchange, at: str) -> Text:
    """Time, result and status, then the incident's id, urgency and title, or the reason why there
    is no incident.
    """
    try:
        answer: Any = json.loads(exchange.answer)
    except ValueError:
        answer = None
    answer = answer if isinstance(answer, dict) else {}
    result = answer.get("result", {})
    action = str(result.get("action", "failed" if exchange.status >= 500 else "refused"))
    incident = result.get("incident")
    if incident:
        rest = f"{incident['id']} {incident['urgency']:<6} {incident['title']}"
    else:
        rest = str(result.get("reason") or _refusal(answer, exchange.status))
    line = Text(f"{at} ")
    line.append(f"{action:<12}", _COLOURS.get(action, ""))
    line.append(f" {exchange.status} {_printable(rest)}")
    return line


def message_line(message: Message, at: str) -> Text:
    """Time, channel and status, then receiver and title; a reason comes first if it failed."""
    line = Text(f"{at} ")
    line.append(f"{message.channel.value:<14}", "magenta" if message.why else "blue")
    status = "---" if message.status is None else str(message.status)
    rest = f"{message.to} {message.title}".strip()
    if message.why:
        rest = f"{message.why} - {rest}" if rest else message.why
    line.append(f"{status} {_printable(rest)}")
    return line


def _refusal(answer: dict[str, Any], status: int) -> str:
    said = [str(answer[name]) for name in ("error", "message") if answer.get(name)]
    issues = [
        f"{issue['path'] or 'body'}: {issue['message']}" for issue in answer.get("issues", [])
    ]
    return " - ".join([*(said or [HTTPStatus(status).phrase]), *issues])


def _printable(text: str) -> str:
    """Removes what could steer the terminal: titles come from strangers."""
    shown = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in shown
    )
