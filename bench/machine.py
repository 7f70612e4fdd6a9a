"""The machine and versions that figures were measured with, for quoting them."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final

from harness.dynamodb import ROOT

_PACKAGES: Final = ("boto3", "pydantic", "aws-lambda-powertools", "ministack")


def facts() -> dict[str, str]:
    return {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": f"{os.process_cpu_count()} cores, {platform.platform()}",
        # With a load above the number of cores, wall-clock times mostly measure other programs.
        "load at the start": f"{os.getloadavg()[0]:.1f}",
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
    }


def _commit() -> str:
    commit = _git("rev-parse", "--verify", "--quiet", "HEAD") or "none"
    return f"{commit} with changes" if _git("status", "--porcelain") else commit


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip()
