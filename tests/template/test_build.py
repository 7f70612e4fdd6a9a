"""`sam build` as somebody meets it who has not set up anything."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_without_setup_a_build_says_what_to_do(tmp_path: Path) -> None:
    for name in ("make", "sh"):
        found = shutil.which(name)
        assert found is not None
        (tmp_path / name).symlink_to(found)
    said = subprocess.run(
        ["make", "-C", ROOT / "layers/common", "build-CommonLayer", f"ARTIFACTS_DIR={tmp_path}"],
        env={"PATH": str(tmp_path), "LANG": os.environ.get("LANG", "C")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode != 0
    assert said.stderr.splitlines()[:2] == [
        "The layer is built with uv and python3.13: run 'make setup', then '. .venv/bin/activate', "
        "then this again.",
        "AWS's container has no uv: leave out --use-container.",
    ]
