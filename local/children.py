"""Starts programs so that none of them outlives us.

Each child has a session of its own: a Ctrl-C in the terminal reaches only us, and stopping a child
also stops what it started. Between us and the program runs a guard (guard.py), which reads from a
pipe that we hold open. However we end, `kill -9` included, the kernel closes the pipe, and the
guard kills the whole group.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_GUARD = Path(__file__).with_name("guard.py")

_GRACE = 4.0
"""Seconds between SIGTERM and SIGKILL."""


class Child:
    """A running program with its process group. Its output goes to `log`."""

    def __init__(
        self, command: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path
    ) -> None:
        log.touch(mode=0o600)
        with log.open("wb") as output:
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_GUARD), *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
            )

    @property
    def running(self) -> bool:
        """Whether the program still runs."""
        return self._guard.returncode is None and _still_there(self._guard.pid)

    def wait(self, timeout: float | None = None) -> int:
        """Returns the exit code, above 128 for a signal. Raises `TimeoutError` after `timeout`
        seconds.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.running:
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError
            time.sleep(0.02)
        if self._guard.returncode is None:
            # The guard is not reaped yet, so its number still means this group and no other.
            _signal_group(self._guard.pid, signal.SIGKILL)
            self._guard.wait()
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        return self._guard.returncode

    def stop(self) -> None:
        """Ends the whole group: SIGTERM, and SIGKILL after a grace. A second call does no harm."""
        if not self.running:
            self.wait()
            return
        _signal_group(self._guard.pid, signal.SIGTERM)
        try:
            self.wait(_GRACE)
        except TimeoutError:
            _signal_group(self._guard.pid, signal.SIGKILL)
            self.wait()


def _still_there(process: int) -> bool:
    """Looks without reaping: the number of a reaped process may soon mean another one."""
    return os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def _signal_group(group: int, number: signal.Signals) -> None:
    # macOS raises PermissionError for a group in which only the dead leader is left.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
