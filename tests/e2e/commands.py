"""`opsknight` as a program of its own, in a folder below one in which `make run` is up."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

PROGRAM: Final = Path(sys.executable).with_name("opsknight")


def opsknight(
    here: Path, *words: str | Path, stdin: str = "", code: int = 0
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [PROGRAM, *words], cwd=here, input=stdin, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def told(here: Path, *words: str | Path) -> Any:
    return json.loads(opsknight(here, *words, "--json").stdout)
