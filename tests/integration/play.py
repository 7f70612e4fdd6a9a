"""A shell whose commands and answers are recorded, for the scenes of the command line."""

import re
from pathlib import Path
from typing import Any

from harness.pipeline import Pipeline
from harness.post import PAGES
from harness.shell import Said, Shell
from harness.world import event
from opsknight.runtime.queues import Queue

EXAMPLES = Path(__file__).parents[2] / "examples"
SECRETS = re.compile(r"\b[0-9a-f]{32}\b|opsk_[0-9A-Za-z_-]{43}")


class Play:
    """A shell whose commands and answers are written down."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.lines: list[str] = []

    def types(self, *words: str, stdin: str = "", code: int = 0) -> Said:
        typed = " ".join(f"'{word}'" if re.search(r"[ <{]", word) else word for word in words)
        self.lines.append(f"$ opsknight {typed}\n")
        said = self.shell.opsknight(*words, stdin=stdin)
        self.lines.append(SECRETS.sub("<secret>", said.all))
        self.lines.append(f"[exit code {said.code}]\n\n")
        assert said.code == code, said.all
        return said

    def goes_by(self, **time: float) -> None:
        self.shell.world.clock.advance(**time)
        what = " ".join(f"{count:g} {unit}" for unit, count in time.items())
        self.lines.append(f"# {what} later\n\n")


def small() -> str:
    return (EXAMPLES / "small.yaml").read_text()


class Night:
    def __init__(self, shell: Shell, secret: str) -> None:
        # Queues bring all that these scenes show; ticks would only look.
        self.pipeline = Pipeline(shell.world, ticking=False)
        self._secret = secret
        shell.pages = Queue(self.pipeline.post.sqs(), PAGES)
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
    del play.lines[:]
    return Night(play.shell, secret)


def without_chance(play: Play) -> None:
    """Ids are their time, and then noughts."""
    play.lines = [
        re.sub(
            r"\binc_([0-9a-f]{12})([0-9a-f]+)", lambda it: f"inc_{it[1]}{'0' * len(it[2])}", line
        )
        for line in play.lines
    ]
