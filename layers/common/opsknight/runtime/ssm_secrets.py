"""Reads secrets from SSM: those of receivers, the keys of links, and the signing secret of Slack.
None of them may reach a log, an exception or a repr.

A value is remembered for five minutes, and serves on while SSM fails: an old one most likely works,
and a page that waits for SSM surely does not. For links and Slack, absence and failures are
remembered for a short time, so that a stranger with bad links or signatures does not cause a call
to SSM each.
"""

from dataclasses import field, replace
from datetime import datetime, timedelta
from secrets import token_hex
from typing import TYPE_CHECKING, Final

from botocore.exceptions import (
    ClientError,
    ConnectionError,
    HTTPClientError,
    ParamValidationError,
)

from opsknight.classes import dataclass
from opsknight.runtime.telemetry import logger

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

REMEMBERED: Final = timedelta(minutes=5)
ABSENCE_REMEMBERED: Final = timedelta(seconds=30)
FAILURE_REMEMBERED: Final = timedelta(seconds=5)
# A newer secret may accept what one from memory rejects, if that is at least so old.
ASKED_AGAIN: Final = timedelta(seconds=10)
# After a failure the remembered value serves for so long before SSM is asked again: each failed
# call can take seconds, and somebody is waiting.
SPARED_AFTER_FAILURE: Final = timedelta(seconds=10)

_ABSENT: Final = frozenset({"ParameterNotFound", "ParameterVersionNotFound"})
_LASTING: Final = frozenset({"ValidationException", "AccessDeniedException", "InvalidKeyId"})


class SecretsUnavailable(Exception):
    """SSM did not answer, or not with a usable secret. The text is a code of SSM or of ours."""


class SecretForbidden(SecretsUnavailable):
    """It will not work however often it is tried: access, name or encryption key are wrong."""


@dataclass(frozen=True, slots=True)
class _Known:
    value: str | None = field(repr=False)
    """None where there is no such parameter."""
    read_at: datetime
    failed_at: datetime | None = None
    """When SSM last failed to give a newer value."""

    def serves(self, now: datetime, age: timedelta, absence: timedelta) -> bool:
        if self.value is None:
            return _within(now, self.read_at, min(age, absence))
        failed = self.failed_at is not None and _within(now, self.failed_at, SPARED_AFTER_FAILURE)
        return failed or _within(now, self.read_at, age)


def _within(now: datetime, since: datetime, time: timedelta) -> bool:
    # A clock that was set back makes nothing fresh.
    return timedelta(0) <= now - since < time


@dataclass(slots=True)
class SecretReader:
    """SecureStrings by name."""

    client: "SSMClient"
    _known: dict[str, _Known] = field(default_factory=dict[str, _Known], repr=False)
    _failed: dict[str, tuple[datetime, SecretsUnavailable]] = field(
        default_factory=dict, repr=False
    )

    def read(
        self,
        name: str,
        now: datetime,
        age: timedelta = REMEMBERED,
        absence: timedelta = ABSENCE_REMEMBERED,
        failure: timedelta = timedelta(0),
    ) -> str | None:
        """None when there is no such parameter. A remembered value may be `age` old, remembered
        absence `absence` as well; a failure so young is not tried again.

        Raises SecretForbidden, or SecretsUnavailable when SSM fails and no value is remembered.
        """
        known = self._known.get(name)
        if known is not None and known.serves(now, age, absence):
            return known.value
        if (last := self._failed.get(name)) is not None and _within(now, last[0], failure):
            raise type(last[1])(str(last[1]))
        try:
            value = self._ask(name)
        except SecretForbidden as cause:
            self._failed[name] = now, cause
            raise
        except SecretsUnavailable as cause:
            if known is None or known.value is None:
                self._failed[name] = now, cause
                raise
            logger.warning("a secret from memory serves on", parameter=name, cause=str(cause))
            self._known[name] = replace(known, failed_at=now)
            return known.value
        self._failed.pop(name, None)
        self._known[name] = _Known(value, now)
        return value

    def make(self, name: str, value: str, description: str, now: datetime) -> str | None:
        """Writes a value where there is none, and reads what is there then. Raises
        SecretsUnavailable.
        """
        try:
            self.client.put_parameter(
                Name=name, Value=value, Type="SecureString", Description=description
            )
        except ClientError as error:
            # Another process was faster: its value is the one.
            if error.response["Error"]["Code"] != "ParameterAlreadyExists":
                raise SecretsUnavailable(error.response["Error"]["Code"]) from None
        except (ConnectionError, HTTPClientError) as error:
            raise SecretsUnavailable(type(error).__name__) from None
        return self.read(name, now, timedelta(0))

    def _ask(self, name: str) -> str | None:
        try:
            found = self.client.get_parameter(Name=name, WithDecryption=True)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _ABSENT:
                return None
            raise (SecretForbidden if code in _LASTING else SecretsUnavailable)(code) from None
        except ParamValidationError:
            raise SecretForbidden("ValidationException") from None
        except (ConnectionError, HTTPClientError) as error:
            raise SecretsUnavailable(type(error).__name__) from None
        return found["Parameter"]["Value"].strip()


@dataclass(frozen=True, slots=True)
class Secret:
    """One parameter, which may hold several values with commas between them, newest first: during a
    rotation the older ones still count.
    """

    reader: SecretReader
    name: str

    def values(self, now: datetime, age: timedelta = REMEMBERED) -> tuple[str, ...]:
        """Empty when there is no such parameter. Raises SecretsUnavailable."""
        return _split(self.reader.read(self.name, now, age, failure=FAILURE_REMEMBERED))

    def make(self, value: str, description: str, now: datetime) -> tuple[str, ...]:
        return _split(self.reader.make(self.name, value, description, now))


def _split(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


@dataclass(frozen=True, slots=True)
class LinkKeys:
    """Keys of `signed_link`: 32 random bytes each, as 64 hexadecimal digits in SSM."""

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
        """All keys that a link may be signed with; none where no link was ever made. Raises
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
