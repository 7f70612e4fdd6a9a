"""Nights by chance: in any weather everybody hears what they should, at the time they should.

`make test` plays a few, `make nights` some hundreds, `make soak` thousands.
"""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable

import pytest

from harness.simulation.many import played
from harness.simulation.verdict import KINDS


@pytest.mark.soak
@pytest.mark.timeout(28_800)
def test_everybody_is_told(full_size: bool, say: Callable[[str], None]) -> None:
    nights, totals, kinds = 10_000 if full_size else 12, Counter[str](), Counter[str]()
    for each in played(range(1, nights + 1)):
        totals.update(each.totals)
        kinds.update(each.kinds)
        if each.story:
            pytest.fail(f"seed {each.seed}\n" + "\n".join(each.story))
    # Each message may come twice whose sender died, or did not learn that it was taken.
    assert totals["doubles"] <= totals["excused"]
    told = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in totals.items())
    say(f"{told}; {', '.join(f'{kind}: {kinds[kind]}' for kind in KINDS)}")


def test_a_seed_gives_one_night_on_every_machine() -> None:
    """Whatever order Python's sets have there."""

    def lines(hash_seed: str) -> bytes:
        return subprocess.run(
            [sys.executable, "-m", "harness.simulation", "--nights=1", "--seed=2", "--lines"],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            check=False,
        ).stdout.rpartition(b" in ")[0]

    one = lines("1")
    assert len(one.splitlines()) > 100
    assert lines("2") == one
