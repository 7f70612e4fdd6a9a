"""Tries a message with the secret of its receiver, and once more with a newer one when the receiver
rejects it.

A value leaves this module only as the argument of an attempt: it is in no outcome, no log and no
repr.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from botocore.config import Config

from notify.channels.protocol import (
    Misconfigured,
    Outcome,
    PermanentFailure,
    TemporaryFailure,
    Unaccepted,
)
from opsknight.classes import dataclass
from opsknight.directory.secret_names import parameter
from opsknight.runtime.ssm_secrets import (
    REMEMBERED,
    SecretForbidden,
    SecretReader,
    SecretsUnavailable,
)
from opsknight.runtime.telemetry import logger, signal

SSM_CONFIG: Final = Config(
    connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 1, "mode": "standard"}
)
"""A message may ask twice, and has 12 seconds for everything."""

_FORBIDDEN: Final = {
    "ValidationException": "has no valid name",
    "AccessDeniedException": "may not be read",
    "InvalidKeyId": "has a key that may not be used",
}


@dataclass(frozen=True, slots=True)
class Secrets:
    reader: SecretReader
    now: Callable[[], datetime]
    prefix: str
    """Under it stand this deployment's secrets."""

    def using(self, name: str | None, attempt: Callable[[str], Outcome]) -> Outcome:
        """The outcome of the attempt with the secret of this name.

        A secret that the receiver rejects may have been replaced since it was read: if a fresh one
        differs, there is one more attempt.
        """
        if not name:
            return PermanentFailure("the receiver has no secret")
        return self.using_all([name], lambda values: attempt(values[0]))

    def using_all(
        self, names: Sequence[str], attempt: Callable[[Sequence[str]], Outcome]
    ) -> Outcome:
        """The same with several secrets, in the order of their names."""
        found = self._all(names, REMEMBERED)
        if isinstance(found, TemporaryFailure | PermanentFailure):
            return found
        outcome = attempt(found)
        if isinstance(outcome, Unaccepted):
            fresh = self._all(names, timedelta(0))
            if isinstance(fresh, list) and fresh != found:
                outcome = attempt(fresh)
        return PermanentFailure(outcome.why) if isinstance(outcome, Unaccepted) else outcome

    def _all(
        self, names: Sequence[str], age: timedelta
    ) -> list[str] | TemporaryFailure | PermanentFailure:
        values = []
        for name in names:
            value = self.read(name, age)
            if not isinstance(value, str):
                return value
            values.append(value)
        return values

    def read(
        self, name: str, age: timedelta = REMEMBERED
    ) -> str | TemporaryFailure | PermanentFailure:
        """Handle the value with care: `using` is safer where one secret is enough."""
        whole = parameter(name, self.prefix)
        if whole is None:
            return PermanentFailure("the receiver's secret has a name that it may not have")
        return self.named(whole, age)

    def named(
        self, whole: str, age: timedelta = REMEMBERED
    ) -> str | TemporaryFailure | PermanentFailure:
        """For whole names, which only the deployment's own settings give."""
        try:
            # Absence is not recalled: an operator who has just made the secret waits for a page.
            value = self.reader.read(whole, self.now(), age, absence=timedelta(0))
        except SecretForbidden as error:
            # Our own misconfiguration, and no page is thrown away for it: somebody mends the role.
            signal("Failures")
            logger.error("a secret may not be read", parameter=whole, cause=str(error))
            return Misconfigured(f"SSM parameter {whole} {_FORBIDDEN[str(error)]}")
        except SecretsUnavailable as error:
            return TemporaryFailure(f"SSM parameter {whole} could not be read: {error}")
        if value is None:
            return PermanentFailure(f"SSM parameter {whole} does not exist")
        return value
