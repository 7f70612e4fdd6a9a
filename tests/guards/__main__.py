"""`make guards`: removes one guard at a time in a copy of the project, and sees its test fail. With
names of patches as arguments, only those.

A patch file begins with what it removes (`Guard: `) and the test that must fail (`Test: `, a pytest
node id). The test has to pass in an unpatched copy first, and to fail by an assertion or an error
of its own, not because nothing could be collected.

Each test runs in a process of its own, forked from one that has imported pytest and the libraries
but nothing of the project: importing them takes longer than most of the tests. There are as many
copies as processors, and each is made whole again for the next guard: making one takes longer, too.
"""

import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import Final

from tests.guards.removal import FAILED, PASSED, Guard, copied, output_of, patched, run

# What tests import first. Nothing that starts a thread: a fork would lose it.
WARM: Final = (
    "pytest",
    "hypothesis.strategies",
    "boto3.session",
    "moto.dynamodb.models",
    "moto.dynamodb.responses",
    "moto.awslambda.models",
    "pydantic.main",
    "pydantic.type_adapter",
    "aws_lambda_powertools.metrics",
    "aws_lambda_powertools.utilities.batch",
    "anyio.pytest_plugin",
    "requests",
    "rich.console",
    "samcli.yamlhelper",
    "typer.testing",
)
# For a caller that has just run all tests: leaves out the run with all guards in place.
TRUSTED: Final = "--tests-passed"
# Starting a process also asks how all others ended, and an exit code can be read only once: two
# threads that read it at the same moment took it from each other, and a guard seemed broken.
_PROCESSES: Final = Lock()


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
    with ExitStack() as stack:
        copies: SimpleQueue[Path] = SimpleQueue()
        for _ in range(os.cpu_count() or 1):
            copies.put(stack.enter_context(copied()))

        def trouble_of(guard: Guard) -> str | None:
            copy = copies.get()
            try:
                return removed(guard, copy, context)
            finally:
                copies.put(copy)

        if TRUSTED not in words:
            copy = copies.get()
            if _run(tests, copy, context) != PASSED:
                whole = output_of(copy)
                sys.stdout.write(f"The tests must pass with the guards in place:\n{whole}\n")
                return 1
            copies.put(copy)
        pool = stack.enter_context(ThreadPoolExecutor(os.cpu_count()))
        failures: list[str] = []
        for guard, trouble in zip(guards, pool.map(trouble_of, guards), strict=True):
            verdict = "noticed" if trouble is None else f"NOT GUARDED: {trouble}"
            sys.stdout.write(f"{guard.patch.stem}: {guard.what}: {verdict} ({guard.test})\n")
            sys.stdout.flush()
            if trouble is not None:
                failures.append(guard.patch.stem)
    which = f": {', '.join(failures)}" if failures else ""
    sys.stdout.write(f"{len(guards) - len(failures)} passed, {len(failures)} failed{which}\n")
    return 1 if failures else 0


def removed(guard: Guard, copy: Path, context: ForkServerContext) -> str | None:
    """None when the test noticed; else what happened instead."""
    try:
        with patched(copy, guard.patch):
            code = _run([guard.test], copy, context)
            if code == FAILED:
                return None
            if code == PASSED:
                return "no test noticed"
            return f"pytest ended with {code}:\n{output_of(copy)}"
    except subprocess.CalledProcessError:
        return "the patch does not apply any more"


def _run(tests: list[str], copy: Path, context: ForkServerContext) -> int | None:
    process = context.Process(target=run, args=(tests, copy))
    with _PROCESSES:
        process.start()
    wait([process.sentinel])
    with _PROCESSES:
        process.join()
        return process.exitcode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
