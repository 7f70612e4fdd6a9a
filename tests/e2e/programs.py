"""Running programs as a reader of the owner's document would: on their own, and with real tools."""

import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from local.programs import ROOT
from tests.e2e.document import FOLDER, fingerprint

MODULES: Final = ROOT / ".local" / "node"


def run(command: list[str], folder: Path, **environment: str) -> str:
    """What a program prints when nothing of ours is around it; it has to end well."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "NO_PROXY": "127.0.0.1",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def node_with_axios() -> tuple[str, Path]:
    """Node, and where it finds what the document's program imports, kept as long as the lock is.

    Fails the test, and never skips it, where Node is missing.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.fail("The document has a program for Node: install node and npm, as .ci/run does.")
    wanted = [FOLDER / "package.json", FOLDER / "package-lock.json"]
    place = MODULES / fingerprint(*wanted)[:16]
    if not place.is_dir():
        MODULES.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=MODULES) as scratch:
            draft = Path(scratch) / "draft"
            draft.mkdir()
            for each in wanted:
                shutil.copy(each, draft)
            done = subprocess.run(
                [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                cwd=draft,
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
            assert done.returncode == 0, f"npm could not install axios:\n{done.stderr}"
            draft.rename(place)
    return node, place / "node_modules"
