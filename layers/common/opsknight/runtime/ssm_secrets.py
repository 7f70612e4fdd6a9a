"""Secrets that lie in SSM, and the keys that links are signed with.

A secret is remembered for five minutes. Nothing of it may reach a log or an exception.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import token_hex
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

REMEMBERED: Final = timedelta(minutes=5)
# What is refused by a secret from memory may be right by a newer one: so old it is asked again.
ASKED_AGAIN: Final = timedelta(seconds=10)


class SecretsUnavailable(Exception):
    """SSM did not answer, or not with a secret."""


@dataclass(slots=True)
class Secret:
    """A SecureString by its name. It may hold several values, the newest first, with commas between
    them: during a rotation the older ones still count.
    """

    client: "SSMClient"
    name: str
    _known: tuple[datetime, tuple[str, ...]] | None = field(default=None, repr=False)

    def values(self, now: datetime, age: timedelta = REMEMBERED) -> tuple[str, ...]:
        """None of them when there is no such parameter. `age`: how old an answer from memory may
        be. Raises SecretsUnavailable.
        """
        if self._known is not None and timedelta(0) <= now - self._known[0] < age:
            return self._known[1]
        try:
            found = self.client.get_parameter(Name=self.name, WithDecryption=True)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ParameterNotFound":
                return ()
            raise SecretsUnavailable(error.response["Error"]["Code"]) from None
        except (ConnectionError, HTTPClientError) as error:
            raise SecretsUnavailable(type(error).__name__) from None
        parts = found["Parameter"]["Value"].split(",")
        values = tuple(part.strip() for part in parts if part.strip())
        self._known = (now, values)
        return values

    def make(self, value: str, description: str, now: datetime) -> tuple[str, ...]:
        """The values, after putting this one where there was none. Raises SecretsUnavailable."""
        try:
            self.client.put_parameter(
                Name=self.name, Value=value, Type="SecureString", Description=description
            )
        except ClientError as error:
            # Another process was faster: its value is the one.
            if error.response["Error"]["Code"] != "ParameterAlreadyExists":
                raise SecretsUnavailable(error.response["Error"]["Code"]) from None
        except (ConnectionError, HTTPClientError) as error:
            raise SecretsUnavailable(type(error).__name__) from None
        return self.values(now, timedelta(0))


@dataclass(frozen=True, slots=True)
class LinkKeys:
    """Of `links.token` and `links.read`: 32 random bytes each, as 64 hexadecimal digits in SSM."""

    secret: Secret

    def signing(self, now: datetime) -> bytes:
        """The key for new links; made when there is none yet. Raises SecretsUnavailable."""
        keys = _keys(self.secret.values(now))
        if not keys:
            made = self.secret.make(token_hex(32), "Signs the links in OpsKnight's messages.", now)
            keys = _keys(made)
        if not keys:
            raise SecretsUnavailable("NoKey")
        return keys[0]

    def accepted(self, now: datetime, age: timedelta = REMEMBERED) -> tuple[bytes, ...]:
        """All that a link may be signed with; none where no link was ever made. Raises
        SecretsUnavailable.
        """
        return _keys(self.secret.values(now, age))


def _keys(values: tuple[str, ...]) -> tuple[bytes, ...]:
    try:
        keys = tuple(bytes.fromhex(value) for value in values)
    except ValueError:
        raise SecretsUnavailable("NotHexadecimal") from None
    if any(len(key) < 32 for key in keys):
        # An operator's own, too short to sign with: better no link than one that can be guessed.
        raise SecretsUnavailable("TooShort")
    return keys
