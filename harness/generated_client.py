"""A client made from our OpenAPI description, as readers of docs/http-api.md make one, and programs
that run with it.

The generator has an environment of its own, in `.local`: it wants an older typer than our command
line has. The first run fetches it, by the lock file.
"""

import fcntl
import json
import os
import subprocess
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
LOCK: Final = ROOT / "requirements" / "client.txt"
DESCRIPTION: Final = ROOT / "functions" / "events" / "openapi.json"
PLACE: Final = ROOT / ".local" / "client"
_PYTHON: Final = PLACE / "bin" / "python"
# Formatting a client that nobody reads takes longer than making it.
_CONFIGURATION: Final = "post_hooks: []\n"


def generated(folder: Path) -> Path:
    """The generated package `opsknight`, in the folder. A warning of the generator is a failure."""
    _prepare()
    settings = folder / "generator.yaml"
    settings.write_text(_CONFIGURATION, encoding="utf-8")
    package = folder / "opsknight"
    _run(
        *(PLACE / "bin" / "openapi-python-client", "generate", "--fail-on-warning"),
        *("--path", DESCRIPTION, "--meta", "none", "--config", settings),
        *("--output-path", package),
    )
    return package


def run(program: str, folder: Path, *arguments: str) -> Any:
    """What a program prints, read as JSON. It runs beside the package."""
    return json.loads(_run(_PYTHON, "-W", "error", "-c", program, *arguments, cwd=folder))


def _prepare() -> None:
    PLACE.parent.mkdir(exist_ok=True)
    made_from = PLACE / "made-from"
    with (PLACE.parent / "client.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = LOCK.read_text(encoding="utf-8")
        if made_from.exists() and made_from.read_text(encoding="utf-8") == wanted:
            return
        uv, python = ROOT / ".venv" / "bin" / "uv", ROOT / ".venv" / "bin" / "python"
        _run(uv, "venv", "--quiet", "--clear", "--python", python, PLACE)
        _run(uv, "pip", "sync", "--quiet", "--require-hashes", "--python", _PYTHON, LOCK)
        made_from.write_text(wanted, encoding="utf-8")


def _run(*command: str | Path, cwd: Path = ROOT) -> str:
    # No proxy stands between a test and a server of its own.
    environment = {**os.environ, "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        command, cwd=cwd, env=environment, check=False, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
