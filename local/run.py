"""`make run`: OpsKnight on this machine until Ctrl-C."""

import signal

if __name__ == "__main__":
    # The imports take a moment, in which a Ctrl-C has nothing to clear up.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import fcntl
import json
import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from local.screen import Screen
from local.stack import HOST, REGION, ROOT, STACK, Failure, Port, Running, forget_account, running
from opsknight_cli.send import curl

_STATE = ROOT / ".local"
_SETTINGS = _STATE / "opsknight.env"
_SAM_LOCAL = _STATE / "sam-local.json"


class Stop(BaseException):
    """Somebody asked us to end: Ctrl-C, SIGTERM, or a terminal that was closed."""


def main() -> int:
    """The exit code: 0 when asked to stop, 1 with a sentence when something is wrong."""
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
        up = everything.enter_context(
            running(
                _STATE,
                aws=aws,
                front=front,
                inbox=inbox,
                step=screen.step,
                watch=screen.event,
                watch_inbox=screen.message,
            )
        )
        everything.enter_context(_settings(up))
        screen.say(f"\nReady: {up.url}", "bold green")
        screen.say(f"Inbox: {up.inbox.url}\n", "bold green")
        screen.say(f"{curl(up.url, up.service.integration_key)}\n")
        screen.say(f"Settings for a shell: . {_SETTINGS.relative_to(ROOT)}    Stop: Ctrl-C\n")
        code = up.ministack.wait()
    raise Failure(
        f"MiniStack stopped by itself (exit code {code}); its log is .local/ministack.log."
    )


@contextmanager
def _alone() -> Iterator[None]:
    """One at a time in a folder. The kernel frees the lock however its holder ends."""
    _STATE.mkdir(exist_ok=True)
    with Path(_STATE / "run.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            number = lock.read()
            raise Failure(
                f"`make run` is already up here: Ctrl-C there, or `kill {number}`, ends it."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        # Whatever a predecessor could not remove, it does not describe us.
        _SETTINGS.unlink(missing_ok=True)
        _SAM_LOCAL.unlink(missing_ok=True)
        yield


def settings_of(up: Running) -> dict[str, str]:
    """What other programs, and `opsknight` itself, have to know of us."""
    return {
        "OPSKNIGHT_URL": up.url,
        "OPSKNIGHT_INBOX_URL": up.inbox.url,
        "OPSKNIGHT_INTEGRATION_KEY": up.service.integration_key,
        "OPSKNIGHT_API_KEY": up.service.api_key,
        "OPSKNIGHT_SERVICE_ID": up.service.service_id,
        # By these `opsknight` finds us without being told where.
        "OPSKNIGHT_AWS_ENDPOINT": up.endpoint,
        "OPSKNIGHT_AWS_REGION": REGION,
        "OPSKNIGHT_AWS_STACK": STACK,
    }


def exports(values: Mapping[str, str]) -> str:
    """Lines that a shell reads."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())


@contextmanager
def _settings(up: Running) -> Iterator[None]:
    """The files that say where we are: whole or not there at all, and only while we answer."""
    variables = {
        # From inside a container, this machine is called so (samconfig.toml says it to Docker).
        "AWS_ENDPOINT_URL": up.endpoint.replace(HOST, "host.docker.internal"),
        "TABLE_NAME": up.outputs["TableName"],
        "RATES_TABLE_NAME": up.outputs["RatesTableName"],
    }
    try:
        _write(_SAM_LOCAL, json.dumps({"Parameters": variables}))
        _write(_SETTINGS, exports(settings_of(up)))
        yield
    finally:
        _SETTINGS.unlink(missing_ok=True)
        _SAM_LOCAL.unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)


def _listen_for_stop() -> None:
    """The first signal ends the waiting wherever it is; later ones do not disturb the rest."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(number: int, _frame: FrameType | None) -> None:
        for each in signals:
            signal.signal(each, signal.SIG_IGN)
        if number == signal.SIGHUP:
            # The terminal is gone: what is said from here on would fail.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise Stop

    for each in signals:
        signal.signal(each, stop)


if __name__ == "__main__":
    sys.exit(main())
