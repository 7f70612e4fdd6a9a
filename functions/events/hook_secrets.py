"""The secrets with which tools sign their requests, by the names that integrations give them. A
value leaves this module only for a comparison.
"""

from collections.abc import Callable, Iterator
from dataclasses import field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from opsknight.classes import dataclass
from opsknight.directory.secret_names import parameter
from opsknight.http.gateway import Failure, HttpError
from opsknight.runtime.ssm_secrets import FAILURE_REMEMBERED, SecretReader, SecretsUnavailable
from opsknight.runtime.telemetry import logger, signal

if TYPE_CHECKING:
    from opsknight.directory.integrations import Integration

RETRY_AFTER: Final = "30"


@dataclass(frozen=True, slots=True)
class HookSecrets:
    connect: Callable[[], SecretReader]
    """Called when the first secret is needed: most deployments have none."""
    prefix: str
    """Under it stand this deployment's secrets."""
    _readers: list[SecretReader] = field(default_factory=list[SecretReader], repr=False)

    def of(self, integration: "Integration", now: datetime) -> list[str]:
        """Those that are there of its secret and the next one. Raises HttpError: a 503 while there
        is none, as the event is not refused for our sake.
        """
        names = [each for each in (integration.secret, integration.next_secret) if each]
        found = [*self._read(names, now)]
        if not found:
            failure = Failure(error="Service unavailable", message="The secret cannot be read.")
            raise HttpError(503, failure, **{"Retry-After": RETRY_AFTER})
        return found

    def _read(self, names: list[str], now: datetime) -> Iterator[str]:
        if not self._readers:
            self._readers.append(self.connect())
        for name in names:
            whole = parameter(name, self.prefix)
            value, cause = None, "it does not exist"
            try:
                if whole is not None:
                    value = self._readers[0].read(whole, now, failure=FAILURE_REMEMBERED)
            except SecretsUnavailable as error:
                cause = str(error)
            if value:
                yield value
            else:
                # Every request of this tool is turned away until somebody mends it.
                signal("Failures")
                logger.error("a secret of a tool is not there", parameter=whole, cause=cause)
