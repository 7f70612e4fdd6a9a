"""Nights by chance: in any weather everybody hears what they should, at the time they should.

`make test` plays a few, `make nights` some hundreds, `make soak` thousands.
"""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable

import pytest

from harness.simulation import story
from harness.simulation.night import night
from harness.simulation.verdict import KINDS


@pytest.mark.soak
@pytest.mark.timeout(28_800)
def test_everybody_is_told(full_size: bool, say: Callable[[str], None]) -> None:
    nights, totals, kinds = 10_000 if full_size else 12, Counter[str](), Counter[str]()
    for seed in range(1, nights + 1):
        made = night(seed)
        verdict = made.run()
        totals.update(
            messages=verdict.messages,
            deaths=made.journal.deaths,
            doubles=verdict.doubles,
            excused=verdict.excused,
            late=verdict.late,
        )
        kinds.update(each.kind for each in verdict.violations)
        if verdict.violations:
            pytest.fail(f"seed {seed}\n" + "\n".join(story.told(made, verdict.violations[0])))
    # Each message may come twice whose sender died, or did not learn that it was taken.
    assert totals["doubles"] <= totals["excused"]
    told = ", ".join(f"{count:,} {name}" for name, count in totals.items())
    say(f"{nights:,} nights: {told}; {', '.join(f'{kind}: {kinds[kind]}' for kind in KINDS)}")


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
