"""Starts MiniStack, the AWS of this machine, and keeps the user's own AWS account out of it."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from local.children import Child
from local.health import fault_of
from local.ports import HOST
from local.programs import Failure, Programs

REGION = "us-east-1"

_PATIENCE = 30.0
"""Seconds for the start, which takes less than one on an idle machine."""


def forget_account() -> None:
    """Removes the user's AWS account from the environment of this process and of its children."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "SAM_"))]:
        del os.environ[name]
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DEFAULT_REGION": REGION,
        "NO_PROXY": ",".join([HOST, "localhost", *filter(None, [os.environ.get("NO_PROXY")])]),
        "SAM_CLI_TELEMETRY": "0",
    }


@contextmanager
def ministack(programs: Programs, port: int) -> Iterator[Child]:
    """Runs while the `with` lasts. Raises `Failure` if it does not start."""
    # MiniStack has many settings, all of them environment variables. It gets no variable of the
    # user's that it does not need: none of them was meant for it.
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "LC_ALL") if name in os.environ}
    child = programs.start(
        "ministack",
        ["ministack"],
        kept
        | {
            "PATH": programs.environment["PATH"],
            "TMPDIR": str(programs.scratch),
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(port),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "MINISTACK_REGION": REGION,
            # By default it ends a function's spare processes after five idle minutes, and the next
            # burst has to wait for new ones.
            "LAMBDA_WARM_TTL_SECONDS": "86400",
        },
    )
    try:
        deadline = time.monotonic() + _PATIENCE
        while fault_of(f"{programs.endpoint}/_ministack/health"):
            if not child.running or time.monotonic() > deadline:
                raise Failure(f"MiniStack did not start. Its log: {programs.log_name('ministack')}")
            time.sleep(0.05)
        yield child
    finally:
        child.stop()
