"""How long the command line takes to start: the processor time of whole programs, as a ratio to one
that imports boto3 and makes a client, in the same run. So the figures hold on any machine.
"""

import os
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from bench.figures import Figure

EXAMPLE: Final = str(Path(__file__).parents[1] / "examples" / "small.yaml")
BARE: Final = "import boto3; boto3.client('dynamodb', region_name='eu-west-1')"
TAB: Final = {
    "_OPSKNIGHT_COMPLETE": "complete_bash",
    "COMP_WORDS": "opsknight incidents list --s",
    "COMP_CWORD": "3",
}
# A region that there is not: the program starts, makes its clients, and finds nobody.
NOWHERE: Final = ["--stack", "opsknight", "--region", "xx-none-1"]
PROGRAMS: Final[Sequence[tuple[str, list[str], Mapping[str, str], float]]] = (
    ("--help", ["--help"], {}, 0.6),
    ("--version", ["--version"], {}, 0.6),
    ("plan --help", ["plan", "--help"], {}, 0.6),
    ("a Tab", [], TAB, 0.6),
    ("validate", ["validate", EXAMPLE], {}, 1.2),
    ("schema", ["schema"], {}, 1.2),
    ("oncall", ["oncall", *NOWHERE], {}, 2.2),
    ("plan", ["plan", EXAMPLE, *NOWHERE], {}, 2.2),
    ("incidents list", ["incidents", "list", *NOWHERE], {}, 2.2),
)


def measure_start(_: str, quick: bool) -> list[Figure]:
    rounds = 3 if quick else 9
    # Credentials that are there, so that no metadata service is looked for.
    there = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}
    group = f"processor time to start, of {len(PROGRAMS)} programs, best of {rounds}"
    bare = min(_took([sys.executable, "-c", BARE], {}) for _ in range(rounds))
    figures = [Figure(group, "python that makes a boto3 client", bare, "s")]
    program = str(Path(sys.executable).with_name("opsknight"))
    for name, words, more, bound in PROGRAMS:
        best = min(_took([program, *words], {**there, **more}) for _ in range(rounds))
        figures.append(Figure(group, f"{name}, of that", best / bare, "times", bound))
    return figures


def _took(command: Sequence[str], variables: Mapping[str, str]) -> float:
    """Processor seconds of a program and what it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        command, env={**os.environ, **variables}, check=False, capture_output=True, timeout=120
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
