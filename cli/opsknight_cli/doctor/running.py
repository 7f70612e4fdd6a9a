"""Runs checks in parallel, and does not wait for one that hangs."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

from opsknight.health.findings import Finding, unchecked
from opsknight.store.calls import Unavailable

_DENIED: Final = ("AccessDenied", "Unauthorized", "AuthorizationError", "NotAuthorized")
_UNKNOWN: Final = ("UnknownOperation", "InvalidAction", "NotImplemented", "404", "501")

type Answer = Callable[[], Iterable[Finding]]


def run(checks: Mapping[str, Answer], patience: float) -> list[Finding]:
    """The findings of all checks, in the order of the checks. `patience` is in seconds."""
    found: dict[str, list[Finding]] = {}

    def work(check: str, answer: Answer) -> None:
        found[check] = answered(check, answer)

    # At its end the program waits for threads of an executor, but not for daemon threads.
    threads = [
        threading.Thread(target=work, args=each, name=each[0], daemon=True)
        for each in checks.items()
    ]
    for thread in threads:
        thread.start()
    end = time.monotonic() + patience
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    silent = f"No answer within {patience:g} seconds."
    return [finding for check in checks for finding in found.get(check, [unchecked(check, silent)])]


def answered(check: str, answer: Answer) -> list[Finding]:
    try:
        return list(answer())
    except ClientError as error:
        return [_refused(check, error)]
    except (ConnectionError, HTTPClientError):
        return [unchecked(check, "AWS does not answer.", "Check the network of this machine.")]
    except (BotoCoreError, Unavailable) as error:
        return [unchecked(check, f"The check failed: {' '.join(str(error).split()).rstrip('.')}.")]
    except (KeyError, TypeError, ValueError) as error:
        # Some answers of MiniStack lack fields that AWS always sends.
        return [unchecked(check, f"The answer is incomplete ({type(error).__name__}).")]


def _refused(check: str, error: ClientError) -> Finding:
    code = error.response["Error"]["Code"]
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    operation = error.operation_name
    if code.startswith(_DENIED):
        mend = f"Allow {operation}; docs/command-line.md lists all permissions of the doctor."
        return unchecked(check, f"You lack the permission ({operation}: {code}).", mend)
    if code in _UNKNOWN or status in (404, 501):
        return unchecked(check, f"{operation} does not exist here.")
    return unchecked(check, f"{operation} failed: {code}.")
