"""Secrets by name: SSM SecureStrings, kept in memory for some minutes.

A value leaves this module only as the argument of the attempt that needs it: it is in no outcome,
no log and no repr.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionError,
    HTTPClientError,
    ParamValidationError,
)

from notify.channels.protocol import Outcome, PermanentFailure, TemporaryFailure, Unaccepted

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

SSM_CONFIG: Final = Config(
    connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 1, "mode": "standard"}
)
"""A message may ask twice, and has 12 seconds for everything."""
KEPT_SECONDS: Final = 300.0

_LASTING: Final = {
    "ParameterNotFound": "does not exist",
    "ParameterVersionNotFound": "does not exist",
    "ValidationException": "has no valid name",
    "AccessDeniedException": "may not be read",
    "InvalidKeyId": "has a key that may not be used",
}


@dataclass(frozen=True, slots=True)
class _Kept:
    value: str
    until: float


@dataclass(slots=True)
class Secrets:
    ssm: "SSMClient"
    monotonic: Callable[[], float] = time.monotonic
    _kept: dict[str, _Kept] = field(default_factory=dict[str, _Kept], repr=False)

    def using(self, name: str | None, attempt: Callable[[str], Outcome]) -> Outcome:
        """What the attempt comes to with the secret of this name.

        When the secret is not accepted, it may have been replaced since: if a fresh one differs,
        there is one more attempt.
        """
        if not name:
            return PermanentFailure("the receiver has no secret")
        found = self.read(name)
        if not isinstance(found, str):
            return found
        outcome = attempt(found)
        if isinstance(outcome, Unaccepted):
            fresh = self.read(name, fresh=True)
            if isinstance(fresh, str) and fresh != found:
                outcome = attempt(fresh)
        return PermanentFailure(outcome.why) if isinstance(outcome, Unaccepted) else outcome

    def read(self, name: str, *, fresh: bool = False) -> str | TemporaryFailure | PermanentFailure:
        """Handle the value with care: `using` is safer where one secret is enough."""
        kept = self._kept.get(name)
        if kept and not fresh and self.monotonic() < kept.until:
            return kept.value
        found = self._ask(name)
        if isinstance(found, str):
            self._kept[name] = _Kept(found, self.monotonic() + KEPT_SECONDS)
        elif isinstance(found, TemporaryFailure) and kept and not fresh:
            # An old one most likely works; a page that waits for SSM surely does not.
            return kept.value
        return found

    def _ask(self, name: str) -> str | TemporaryFailure | PermanentFailure:
        try:
            answer = self.ssm.get_parameter(Name=name, WithDecryption=True)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _LASTING:
                return PermanentFailure(f"SSM parameter {name} {_LASTING[code]}")
            return TemporaryFailure(f"SSM parameter {name} could not be read: {code}")
        except (ConnectionError, HTTPClientError):
            return TemporaryFailure(f"SSM parameter {name} could not be read: no answer")
        except ParamValidationError:
            return PermanentFailure(f"SSM parameter {name} has no valid name")
        return answer["Parameter"]["Value"].strip()
