"""`make run`: OpsKnight on this machine until Ctrl-C. One at a time in a folder."""

import signal

if __name__ == "__main__":
    # The imports take a moment. A Ctrl-C in it ends the process at once: nothing runs yet.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from local.ministack import forget_account
from local.ports import Port
from local.programs import ROOT, Failure
from local.screen import Screen
from local.settings import SHELL_FILE, remove_settings, settings_files
from local.stack import running
from opsknight_cli.send import curl

_STATE = ROOT / ".local"


class Stop(BaseException):
    """Ctrl-C, SIGTERM, or the terminal was closed."""


def main() -> int:
    """Returns the exit code: 0 after a stop, 1 after a failure, which is printed."""
    screen = Screen()
    _listen_for_stop()
    try:
        _serve(screen)
    except Failure as failure:
        screen.say(str(failure), "red")
        return 1
    except Stop:
        screen.say("Stopped.")
        return 0


def _serve(screen: Screen) -> NoReturn:
    forget_account()
    with ExitStack() as everything:
        everything.enter_context(_alone())
        aws = Port.from_environment("OPSKNIGHT_AWS_PORT", 4566)
        front = Port.from_environment("OPSKNIGHT_PORT", 8080)
        inbox = Port.from_environment("OPSKNIGHT_INBOX_PORT", 8025)
        new = bool(os.environ.get("OPSKNIGHT_NEW"))
        up = everything.enter_context(
            running(
                _STATE,
                aws=aws,
                front=front,
                inbox=inbox,
                step=screen.step,
                twilio=bool(os.environ.get("OPSKNIGHT_TWILIO")),
                demo=not (new or os.environ.get("OPSKNIGHT_EMPTY")),
                configured=not new,
                watch=screen.event,
                watch_inbox=screen.message,
            )
        )
        everything.enter_context(settings_files(_STATE, up))
        screen.say(f"\nAPI:   {up.url}", "bold green")
        screen.say(f"Inbox: {up.inbox.url}", "bold green")
        screen.say(
            f"Console, as Ada, once and within ten minutes:\n       {up.console}", "bold green"
        )
        screen.say("       Later: opsknight login --user ada")
        if up.first is None:
            screen.say("Nothing is configured: the console sets it up.\n")
        else:
            screen.say(f"Status page for customers:\n       {up.url}/status/public\n", "bold green")
            screen.say("Send a first event from another terminal:\n")
            screen.say(f"{curl(up.url, up.first.integration_key)}\n")
        shell_file = (_STATE / SHELL_FILE).relative_to(ROOT)
        screen.say(f"Address and keys for your shell: . {shell_file}")
        screen.say("Stop: Ctrl-C\n")
        code = up.ministack.wait()
    raise Failure(
        f"MiniStack ended unexpectedly, with exit code {code}. Its log: .local/ministack.log"
    )


@contextmanager
def _alone() -> Iterator[None]:
    """Raises `Failure` if another one runs. The kernel frees the lock however its holder ends."""
    _STATE.mkdir(exist_ok=True)
    with Path(_STATE / "run.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            number = lock.read()
            raise Failure(
                f"`make run` is already running in this folder."
                f" Stop it with Ctrl-C there, or with `kill {number}`."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        # A predecessor that was killed may have left its own.
        remove_settings(_STATE)
        yield


def _listen_for_stop() -> None:
    """The first signal interrupts whatever runs. Later signals do not disturb the clean-up."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(number: int, _frame: FrameType | None) -> None:
        for each in signals:
            signal.signal(each, signal.SIG_IGN)
        if number == signal.SIGHUP:
            # The terminal is gone, and printing to it would fail.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise Stop

    for each in signals:
        signal.signal(each, stop)


if __name__ == "__main__":
    sys.exit(main())
