"""Many nights, as many side by side as there are processors: each by its seed, whoever plays it."""

import gc
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from harness.simulation import story
from harness.simulation.machine import ROOT
from harness.simulation.night import night

# Looking for garbage all the time takes a tenth of a night.
NIGHTS_OF_GARBAGE: Final = 10
# A further process takes seconds until it plays its first one.
WORTH_A_PROCESS: Final = 20


@dataclass(frozen=True)
class Played:
    """What came of one night."""

    seed: int
    totals: Counter[str]
    kinds: Counter[str]
    """Of what the judge found."""
    story: Sequence[str]
    """Of the first thing that it found; empty for a night that is right."""
    lines: Sequence[tuple[float, str]]
    """All that happened, if it was asked for: seconds into the night, and what."""


def played(
    seeds: Sequence[int], *, root: Path = ROOT, older: Path | None = None, lines: bool = False
) -> Iterator[Played]:
    """In the order of the seeds. `root`: of the tree whose code runs; `older`: of one that is
    upgraded to it in each night.
    """
    play = partial(_play, root=root, older=older, lines=lines)
    processes = min(os.cpu_count() or 1, len(seeds) // WORTH_A_PROCESS)
    if processes <= 1:
        yield from map(play, seeds)
        return
    # Not by a fork: what a simulation has in memory is no start for another one.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        try:
            yield from pool.map(play, seeds)
        finally:
            pool.shutdown(cancel_futures=True)


def _play(seed: int, *, root: Path, older: Path | None, lines: bool) -> Played:
    gc.disable()
    if seed % NIGHTS_OF_GARBAGE == 0:
        gc.collect()
    made = night(seed, root=root, older=older)
    verdict = made.run()
    totals = Counter(
        nights=1,
        incidents=verdict.incidents,
        messages=verdict.messages,
        deaths=made.journal.deaths,
        doubles=verdict.doubles,
        excused=verdict.excused,
        late=verdict.late,
        fallback=verdict.fallback,
        fallback_again=verdict.fallback_again,
    )
    kinds = Counter(each.kind for each in verdict.violations)
    told = [*story.told(made, verdict.violations[0])] if verdict.violations else []
    return Played(seed, totals, kinds, told, list(made.journal.lines) if lines else [])
