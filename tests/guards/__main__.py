"""`make guards`: in copies of the project, takes out one guard each and sees its test fail. With
names of patches as arguments, only those.

A patch file begins with what it takes out (`Guard: `) and the test that must fail (`Test: `, a
pytest node id). The test has to pass in an unpatched copy first, and to fail by an assertion or an
error of its own, not because nothing could be collected.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
COPIED: Final = (
    "functions",
    "layers",
    "cli",
    "local",
    "inbox",
    "openapi",
    "harness",
    "tests",
    "docs",
    "examples",
)
FILES: Final = ("pyproject.toml", "template.yaml", "samconfig.toml")
# pytest's own codes: 0 all passed, 1 some failed; others mean that it could not run.
PASSED: Final = 0
# For who has just run all tests: the first look, with all guards in place, is left out.
TRUSTED: Final = "--tests-passed"
FAILED: Final = 1


@dataclass(frozen=True)
class Guard:
    patch: Path
    what: str
    test: str

    @classmethod
    def read(cls, patch: Path) -> "Guard":
        """Raises KeyError for a patch that does not say what it is."""
        lines = patch.read_text(encoding="utf-8").splitlines()
        head = dict(line.split(": ", 1) for line in lines[:2])
        return cls(patch, head["Guard"], head["Test"])


def run(tests: list[str], patch: Path | None = None) -> tuple[int, str]:
    """pytest's exit code and output in a fresh copy of the project, patched."""
    with tempfile.TemporaryDirectory(prefix="opsknight-guards-") as folder:
        copy = Path(folder)
        for name in COPIED:
            if (ROOT / name).exists():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / name, copy / name, ignore=ignored)
        for name in FILES:
            shutil.copy(ROOT / name, copy / name)
        if patch is not None:
            subprocess.run(["git", "apply", str(patch)], cwd=copy, check=True)
        done = subprocess.run(
            # Without its guard a test may hang; with it none takes half as long.
            [sys.executable, "-m", "pytest", "-q", "-x", "--timeout=60", *tests],
            cwd=copy,
            # The copy's code, not the one installed in the environment.
            env=os.environ | {"PYTHONPATH": "functions:layers/common:cli:."},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout[-3000:]


def removed(guard: Guard) -> str | None:
    """Nothing when the test noticed; else what happened instead."""
    try:
        code, output = run([guard.test], guard.patch)
    except subprocess.CalledProcessError:
        return "the patch does not apply any more"
    if code == FAILED:
        return None
    return "no test noticed" if code == PASSED else f"pytest ended with {code}:\n{output}"


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
    code, output = (PASSED, "") if TRUSTED in words else run(tests)
    if code != PASSED:
        sys.stdout.write(f"The tests must pass with the guards in place:\n{output}\n")
        return 1
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        failures = 0
        for guard, trouble in zip(guards, pool.map(removed, guards), strict=True):
            verdict = "noticed" if trouble is None else f"NOT GUARDED: {trouble}"
            sys.stdout.write(f"{guard.patch.stem}: {guard.what}: {verdict} ({guard.test})\n")
            sys.stdout.flush()
            failures += trouble is not None
    sys.stdout.write(f"{len(guards) - failures} passed, {failures} failed\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
