"""Run by `children`, as a program of its own, between us and each program that we start.

It ends with the program's exit code. Should we vanish first, its standard input closes, and it
takes its whole process group along. Only the standard library, and little of that: it starts before
everything else does.
"""

import os
import signal
import subprocess
import sys
import threading
from types import FrameType


def _end_with_our_parent() -> None:
    while os.read(0, 1):
        pass
    os.killpg(0, signal.SIGKILL)


def _leave_last(_number: int, _frame: FrameType | None) -> None:
    """SIGTERM goes to the whole group; the program decides how long that takes."""


def main(command: list[str]) -> int:
    signal.signal(signal.SIGTERM, _leave_last)
    threading.Thread(target=_end_with_our_parent, daemon=True).start()
    code = subprocess.Popen(command, stdin=subprocess.DEVNULL).wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
