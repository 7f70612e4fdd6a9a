"""Checks side by side, each with its time: one that hangs is not waited for."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

from opsknight.store.calls import Unavailable
from opsknight_cli.doctor.judging import Finding, unchecked

_DENIED: Final = ("AccessDenied", "Unauthorized", "AuthorizationError", "NotAuthorized")
_UNKNOWN: Final = ("UnknownOperation", "InvalidAction", "NotImplemented", "404", "501")

type Answer = Callable[[], Iterable[Finding]]


def run(checks: Mapping[str, Answer], patience: float) -> list[Finding]:
    """What each comes to, in the order of the checks."""
    found: dict[str, list[Finding]] = {}

    def work(check: str, answer: Answer) -> None:
        found[check] = answered(check, answer)

    # Threads of an executor are waited for when the program ends; these are not.
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
        return [unchecked(check, "No answer.", "See that this machine reaches AWS.")]
    except (BotoCoreError, Unavailable) as error:
        return [
            unchecked(check, f"Could not be asked: {' '.join(str(error).split()).rstrip('.')}.")
        ]
    except (KeyError, TypeError, ValueError) as error:
        # MiniStack leaves out of some answers what AWS has in all.
        return [unchecked(check, f"An answer that says too little ({type(error).__name__}).")]


def _refused(check: str, error: ClientError) -> Finding:
    code = error.response["Error"]["Code"]
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    operation = error.operation_name
    if code.startswith(_DENIED):
        mend = f"Allow {operation} (docs/command-line.md lists what the doctor asks)."
        return unchecked(check, f"You may not ask for it ({operation}: {code}).", mend)
    if code in _UNKNOWN or status in (404, 501):
        return unchecked(check, f"There is no {operation} here.")
    return unchecked(check, f"{operation} was refused: {code}.")
