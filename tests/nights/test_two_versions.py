"""Nights in which a deployment is upgraded, and perhaps rolled back: two versions on one table."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.simulation import story
from harness.simulation.night import night
from harness.simulation.upgrade import OLDER, NoSuchCommit, tree


@pytest.fixture(scope="module")
def older() -> Path:
    try:
        return tree(OLDER)
    except NoSuchCommit as why:
        pytest.skip(f"the older version is not here: {why}")


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_nobody_notices_an_upgrade_nor_a_rollback(
    older: Path, full_size: bool, say: Callable[[str], None]
) -> None:
    nights, lines, messages, rolled_back = 1000 if full_size else 6, Counter[bool](), 0, 0
    for seed in range(1, nights + 1):
        made = night(seed, older=older)
        verdict = made.run()
        if verdict.violations:
            pytest.fail(f"seed {seed}\n" + "\n".join(story.told(made, verdict.violations[0])))
        lines.update(line.startswith("older ") for _, line in made.journal.lines)
        messages += verdict.messages
        rolled_back += bool(made.upgrade and made.upgrade.back)
    assert min(lines[True], lines[False]) > 100
    assert 0 < rolled_back < nights
    say(f"{nights} nights with two versions: {messages} messages, {rolled_back} rolled back")


def test_a_seed_gives_one_night_with_two_versions(older: Path) -> None:
    def lines() -> list[tuple[float, str]]:
        made = night(7, older=older)
        made.run()
        return made.journal.lines

    assert lines() == lines()
