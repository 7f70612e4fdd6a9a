"""A small program that runs between us and each program that we start (see children.py).

It ends with the program's exit code. If we vanish first, its standard input closes, and it kills
its whole process group. It imports little, and only from the standard library, because every other
program waits for its start.
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
    """SIGTERM reaches the whole group, and the program decides how long it takes to end."""


def main(command: list[str]) -> int:
    signal.signal(signal.SIGTERM, _leave_last)
    threading.Thread(target=_end_with_our_parent, daemon=True).start()
    code = subprocess.Popen(command, stdin=subprocess.DEVNULL).wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
