"""The null channel: takes the canary, says how long it was on its way, and pings an address outside
of the account. It is the last link: what it says proves all links before it.

It shares its channel with webhooks, as it is none that anybody may configure.
"""

from collections.abc import Callable
from datetime import datetime

from aws_lambda_powertools.metrics import MetricUnit

from notify.channels.protocol import Outcome, Sender, Sent
from notify.outbound import Answer, Outbound
from opsknight.classes import dataclass
from opsknight.directory.receivers import Receiver
from opsknight.incident.canary import NULL
from opsknight.notification.message import Message
from opsknight.runtime.ssm_secrets import SecretReader, SecretsUnavailable
from opsknight.runtime.telemetry import logger, signal


@dataclass(frozen=True, slots=True)
class CanaryOr:
    webhook: Sender
    """Sends everything that is no canary."""
    http: Outbound
    secrets: SecretReader
    ping_name: str
    """The SSM parameter that holds the address outside of the account."""
    now: Callable[[], datetime]

    def send(self, message: Message, receiver: Receiver) -> Outcome:
        if receiver.to != NULL:
            return self.webhook.send(message, receiver)
        began = min((each.created_at for each in message.incidents), default=message.at)
        age = max((self.now() - began).total_seconds(), 0)
        signal("CanarySeconds", age, MetricUnit.Seconds)
        self._ping()
        return Sent()

    def _ping(self) -> None:
        """Fails nothing: who waits for it outside hears its silence."""
        try:
            url = self.secrets.read(self.ping_name, self.now())
        except SecretsUnavailable as away:
            logger.error("the canary's address is not known", cause=str(away))
            return
        if url is None:
            return
        answer = self.http.bounded().post(url.strip(), b"", {})
        if not isinstance(answer, Answer):
            logger.error("the canary was not heard outside", why=answer.why)
        elif not 200 <= answer.status < 300:
            logger.error("the canary was not heard outside", why=f"answered {answer.status}")
