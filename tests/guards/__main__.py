"""`make guards`: removes one guard at a time in a copy of the project, and sees its test fail. With
names of patches as arguments, only those.

A patch file begins with what it removes (`Guard: `) and the test that must fail (`Test: `, a pytest
node id). The test has to pass in an unpatched copy first, and to fail by an assertion or an error
of its own, not because nothing could be collected.

Each test runs in a process of its own, forked from one that has imported pytest and the libraries
but nothing of the project: importing them takes longer than most of the tests.
"""

import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

from tests.guards.removal import PASSED, Guard, removed, run

# What tests import first. Nothing that starts a thread: a fork would lose it.
WARM: Final = (
    "pytest",
    "hypothesis.strategies",
    "boto3.session",
    "moto.dynamodb.models",
    "moto.dynamodb.responses",
    "pydantic",
    "aws_lambda_powertools.metrics",
    "requests",
    "rich.console",
    "samcli.yamlhelper",
    "typer.testing",
)
# For a caller that has just run all tests: leaves out the run with all guards in place.
TRUSTED: Final = "--tests-passed"


def main(words: list[str]) -> int:
    names = [word for word in words if word != TRUSTED]
    patches = {patch.stem: patch for patch in sorted(Path(__file__).parent.glob("*.patch"))}
    unknown = sorted(set(names) - patches.keys())
    if unknown:
        # Nothing is run: a slip in a name must not look like a guard that was seen to work.
        sys.stderr.write(f"No such guard: {', '.join(unknown)}. There are: {', '.join(patches)}\n")
        return 2
    chosen = [patch for name, patch in patches.items() if name in names or not names]
    guards = [Guard.read(patch) for patch in chosen]
    tests = sorted({guard.test for guard in guards})
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(WARM))
    with ProcessPoolExecutor(os.cpu_count(), context, max_tasks_per_child=1) as pool:
        code, output = (PASSED, "") if TRUSTED in words else pool.submit(run, tests).result()
        if code != PASSED:
            sys.stdout.write(f"The tests must pass with the guards in place:\n{output}\n")
            return 1
        failures: list[str] = []
        for guard, trouble in zip(guards, pool.map(removed, guards), strict=True):
            verdict = "noticed" if trouble is None else f"NOT GUARDED: {trouble}"
            sys.stdout.write(f"{guard.patch.stem}: {guard.what}: {verdict} ({guard.test})\n")
            sys.stdout.flush()
            if trouble is not None:
                failures.append(guard.patch.stem)
    which = f": {', '.join(failures)}" if failures else ""
    sys.stdout.write(f"{len(guards) - len(failures)} passed, {len(failures)} failed{which}\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
