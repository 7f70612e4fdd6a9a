"""A version of the project in a folder, and its programs: they run its code, not ours."""

import json
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import yaml

from local.deployment import STACK, build, deploy
from local.ministack import REGION
from local.programs import ROOT, Failure, Programs

_MAIN = "from opsknight_cli.main import main; main()"
# Where packages lie, in this version and in all that can be rehearsed.
_PACKAGES = (".", "cli", "functions", "layers/common")


def archived(commit: str, into: Path) -> Path:
    """The files of a commit. A folder that is there already is the same: it is named by its id."""
    name = _git("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}").decode().strip()
    folder = into / name[:12]
    if not folder.is_dir():
        draft = into / f"{name[:12]}.draft"
        with tarfile.open(fileobj=BytesIO(_git("archive", name))) as files:
            files.extractall(draft, filter="data")
        draft.rename(folder)
    return folder


class Tree:
    def __init__(self, root: Path, programs: Programs) -> None:
        self._root = root
        self._programs = programs

    def build(self) -> None:
        build(self._programs)

    def deploy(self, parameters: Mapping[str, str]) -> dict[str, str]:
        """With those parameters that this version's template knows."""
        known = self._template()["Parameters"]
        chosen = {name: value for name, value in parameters.items() if name in known}
        return deploy(self._programs, chosen)

    def keeps_versions(self) -> bool:
        """Whether a deploy over this one leaves its versions, so that one can go back to them."""
        shared = self._template().get("Globals", {}).get("Function", {})
        return bool(shared.get("VersionDeletionPolicy") == "Retain")

    def _template(self) -> Any:
        return yaml.load((self._root / "template.yaml").read_text(), _Lenient)  # noqa: S506

    def opsknight(self, *words: str) -> Any:
        """The JSON that this version's command line answers with. Raises `Failure` if it fails."""
        command = [sys.executable, "-c", _MAIN, *words]
        if not (self._root / "cli" / "opsknight_cli" / "main.py").is_file():
            raise Failure("This version has no command line of a kind that can be rehearsed.")
        command += ["--stack", STACK, "--region", REGION, "--json"]
        # Before what is installed in the environment, which is the present tree.
        path = ":".join(str(self._root / each) for each in _PACKAGES)
        log = f"opsknight-{self._root.name}"
        return json.loads(self._programs.run(log, command, env={"PYTHONPATH": path}))


class _Lenient(yaml.SafeLoader):
    """Reads a template's short forms as if they were not there: only names are asked for."""


_Lenient.add_multi_constructor("!", lambda _loader, _tag, _node: None)


def _git(*words: str) -> bytes:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip() or "there is no such commit"
        raise Failure(f"`git {' '.join(words)}` failed: {said}")
    return done.stdout
