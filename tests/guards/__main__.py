"""`make guards`: removes one guard at a time in a copy of the project, and sees its test fail. With
names of patches as arguments, only those.

A patch file begins with what it removes (`Guard: `) and the test that must fail (`Test: `, a pytest
node id). The test has to pass in an unpatched copy first, and to fail by an assertion or an error
of its own, not because nothing could be collected.

Each test runs in a process of its own, forked from one that has imported what most tests need
(`forking`): importing takes longer than most of the tests. There are as many copies as processors,
and each is made whole again for the next guard: making one takes longer, too.
"""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from tests.guards.forking import serve
from tests.guards.removal import FAILED, PASSED, Guard, changed, copied, output_of, patched

# Libraries that tests import first. Nothing that starts a thread: a fork would lose it.
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
# For a caller that has just run all tests: leaves out each test's run with its guard in place.
TRUSTED: Final = "--tests-passed"


@dataclass(frozen=True)
class Tried:
    """A copy of the project, and the process that runs its tests."""

    copy: Path
    asked: Connection

    def run(self, tests: list[str], patched: list[str]) -> int:
        """pytest's exit code. `patched`: the files that are not as they were copied."""
        self.asked.send((tests, patched))
        code: int = self.asked.recv()
        return code


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
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(WARM))
    side_by_side = min(os.cpu_count() or 1, len(guards))
    with ExitStack() as stack:
        copies: SimpleQueue[Tried] = SimpleQueue()
        for _ in range(side_by_side):
            copies.put(stack.enter_context(trying(context)))

        def trouble_of(guard: Guard) -> str | None:
            tried = copies.get()
            try:
                return removed(guard, tried, passes=TRUSTED in words)
            finally:
                copies.put(tried)

        pool = stack.enter_context(ThreadPoolExecutor(side_by_side))
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


@contextmanager
def trying(context: ForkServerContext) -> Iterator[Tried]:
    with copied() as copy:
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(copy, theirs), daemon=True)
        process.start()
        theirs.close()
        try:
            yield Tried(copy, ours)
        finally:
            ours.close()
            process.join()


def removed(guard: Guard, tried: Tried, *, passes: bool) -> str | None:
    """None when the test noticed; else what happened instead. `passes`: it is known that the test
    does where nothing is removed. Else it is run as it is, too, with the same modules forgotten.
    """
    if not passes and tried.run([guard.test], changed(guard.patch)) != PASSED:
        return f"the test fails with the guard in place:\n{output_of(tried.copy)}"
    try:
        with patched(tried.copy, guard.patch):
            code = tried.run([guard.test], changed(guard.patch))
            if code == FAILED:
                return None
            if code == PASSED:
                return "no test noticed"
            return f"pytest ended with {code}:\n{output_of(tried.copy)}"
    except subprocess.CalledProcessError:
        return "the patch does not apply any more"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
