"""Two versions of the code on one table: while a deployment is upgraded, and when it goes back.

CloudFormation moves one function's alias after the other, at once or by shifting its traffic, and
operators run whatever version of the command line they have.
"""

import io
import subprocess
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from harness.simulation.hub import Hub
from harness.simulation.machine import ROOT
from harness.simulation.weather import Span

OLDER: Final = "3cf8dab43aaa061d63d9a311dd086e4f94c28dd1"
"""The commit that plays the older version: before two lanes, holds, digests and replies."""
TREES: Final = ROOT / ".local" / "trees"
_PARTS: Final = ("functions", "layers", "cli", "template.yaml")
_WHOLE: Final = 0.0, 1.0


class NoSuchCommit(Exception):
    """A shallow clone, or none at all, has no older versions."""


def tree(commit: str) -> Path:
    """A folder with the code of a commit, made once. Raises NoSuchCommit."""
    place = TREES / commit
    if place.exists():
        return place
    asked = subprocess.run(
        ["git", "archive", commit, *_PARTS], cwd=ROOT, capture_output=True, check=False
    )
    if asked.returncode:
        raise NoSuchCommit(asked.stderr.decode(errors="replace").strip())
    TREES.mkdir(parents=True, exist_ok=True)
    made = TREES / f"{commit}.new"
    with tarfile.open(fileobj=io.BytesIO(asked.stdout)) as archive:
        archive.extractall(made, filter="data")
    made.rename(place)
    return place


@dataclass(frozen=True)
class Upgrade:
    older: Path
    """The tree of the older version."""
    shifts: Mapping[str, Span]
    """For each function, from when until when its calls move to the present version."""
    back: Mapping[str, float]
    """When each function goes back to the older version, if the deployment is rolled back."""

    def share(self, name: str, now: float) -> float:
        """Of the calls that reach the present version. Programs of operators are either."""
        if name not in self.shifts:
            return 0.5
        if name in self.back and now >= self.back[name]:
            return 0.0
        since, until = self.shifts[name]
        if since <= now < until:
            return (now - since) / (until - since)
        return 1.0 if now >= until else 0.0

    def reaches_present(self, name: str, hub: Hub) -> bool:
        share = self.share(name, hub.now)
        return share == 1.0 if share in _WHOLE else hub.chance.random() < share


def choose(chance: Random, older: Path, functions: Iterable[str]) -> Upgrade:
    """An upgrade in the first quarter of an hour of a night: of one function after the other, or
    shifting for minutes; one of three is rolled back.
    """
    began = chance.uniform(40, 400)
    is_shifted = chance.random() < 0.5
    is_rolled_back = chance.random() < 0.33
    shifts, back = {}, {}
    for name in sorted(functions):
        since = began + chance.uniform(0, 120)
        shifts[name] = since, since + (chance.uniform(120, 600) if is_shifted else 0.0)
        if is_rolled_back:
            back[name] = began + 600 + chance.uniform(0, 120)
    return Upgrade(older, shifts, back)
