"""A shell whose commands and answers are recorded, for the scenes of the command line."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness.pipeline import Pipeline
from harness.post import PAGES_HIGH
from harness.shell import Said, Shell
from harness.world import event
from opsknight.runtime.queues import Queue

EXAMPLES = Path(__file__).parents[2] / "examples"
SECRETS = re.compile(r"\b[0-9a-f]{32}\b|opsk_[0-9A-Za-z_-]{43}|(?<=/auth/)[0-9A-Za-z_-]{43}")


class Play:
    """A shell whose commands and answers are recorded, as each of its two widths shows them."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self._lines: list[tuple[str, str]] = []
        self.answers: list[tuple[Sequence[str], Said]] = []
        """Every command with its answer, recorded or not."""

    def types(self, *words: str, stdin: str = "", code: int = 0) -> Said:
        typed = " ".join(f"'{word}'" if re.search(r"[ <{]", word) else word for word in words)
        said = self.shell.opsknight(*words, stdin=stdin)
        self.answers.append((words, said))
        self._both(f"$ opsknight {typed}\n")
        self._lines.append((said.all, said.wide))
        self._both(f"[exit code {said.code}]\n\n")
        self.replace(SECRETS, "<secret>")
        assert said.code == code, said.all
        return said

    def goes_by(self, **time: float) -> None:
        self.shell.world.clock.advance(**time)
        what = " ".join(f"{count:g} {unit}" for unit, count in time.items())
        self._both(f"# {what} later\n\n")

    def _both(self, line: str) -> None:
        self._lines.append((line, line))

    def forget_last(self) -> None:
        """Drops the last command from the record."""
        del self._lines[-3:]

    def forget(self) -> None:
        self._lines.clear()

    def replace(self, pattern: re.Pattern[str], text: str | Callable[[re.Match[str]], str]) -> None:
        self._lines = [
            (pattern.sub(text, narrow), pattern.sub(text, wide)) for narrow, wide in self._lines
        ]

    def texts(self) -> dict[int, str]:
        """The whole record, by width."""
        narrow, wide = zip(*self._lines, strict=True)
        return {self.shell.width: "".join(narrow), self.shell.wider: "".join(wide)}


def small() -> str:
    return (EXAMPLES / "small.yaml").read_text()


class Night:
    def __init__(self, shell: Shell, secret: str) -> None:
        # Queues bring all that these scenes show; ticks would only look.
        self.pipeline = Pipeline(shell.world, ticking=False)
        self._secret = secret
        shell.pages = Queue(self.pipeline.post.sqs(), PAGES_HIGH)
        shell.sleep = lambda seconds: self.goes_by(seconds=seconds)

    def event(self, action: str, dedup_key: str, summary: str, **more: Any) -> str:
        payload = {"summary": summary} | more.pop("payload", {})
        body = event(action, dedup_key, payload=payload, **more)
        answer = self.pipeline.world.send(body, key=self._secret)
        assert answer.status == 202, answer
        self.pipeline.settle()
        found: str = answer.incident["id"]
        return found

    def goes_by(self, **time: float) -> None:
        self.pipeline.wait(**time)


def nights(play: Play) -> Night:
    """A deployment with people, whose pages and notices go out."""
    play.types("apply", "-", "--yes", "--json", stdin=small())
    said = play.types("keys", "create", "--service", "checkout", "--integration", "monitoring")
    [secret] = SECRETS.findall(said.out)[:1]
    play.forget()
    return Night(play.shell, secret)


def without_chance(play: Play) -> None:
    """Keeps the time of an incident's id, and replaces its random digits by zeros."""
    ids = re.compile(r"\binc_([0-9a-f]{12})([0-9a-f]+)")
    play.replace(ids, lambda found: f"inc_{found[1]}{'0' * len(found[2])}")
