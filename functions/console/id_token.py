"""What an ID token must say before anybody is logged in by it (OpenID Connect Core 1.0, 3.1.3.7).
Pure.

Its signature is not checked: it comes from the provider's token endpoint itself, over TLS, which
the same section allows in its place.
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from opsknight.classes import dataclass

# Clocks differ.
LEEWAY: Final = timedelta(minutes=1)


class Untrusted(Exception):
    """The text says what is wrong with the token, and repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the login asked for."""

    issuer: str
    client_id: str
    nonce: str
    at: datetime
    anew: bool = False
    """Whether the person had to prove again who they are."""


@dataclass(frozen=True, slots=True)
class Claims:
    subject: str
    authenticated_at: datetime | None
    others: Mapping[str, Any]


def read(token: str, asked: Asked, now: datetime) -> Claims:
    """Raises Untrusted."""
    claims = _payload(token)
    if claims.get("iss") != asked.issuer:
        raise Untrusted("another issuer")
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or asked.client_id not in audiences:
        raise Untrusted("for another client")
    party = claims.get("azp")
    if party is None and len(audiences) > 1:
        raise Untrusted("for several clients, and it does not say which one asked")
    if party is not None and party != asked.client_id:
        raise Untrusted("another client asked for it")
    if (ends := _time(claims, "exp")) is None or ends <= now - LEEWAY:
        raise Untrusted("over")
    if (made := _time(claims, "iat")) is not None and made > now + LEEWAY:
        raise Untrusted("from the future")
    if claims.get("nonce") != asked.nonce:
        raise Untrusted("of another login")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise Untrusted("without a subject")
    proved = _time(claims, "auth_time")
    if proved is not None and proved > now + LEEWAY:
        raise Untrusted("from the future")
    if asked.anew and (proved is None or proved < asked.at - LEEWAY):
        raise Untrusted("of an older login")
    return Claims(subject, proved, claims)


def email(claims: Mapping[str, Any], *, trusted: bool) -> str | None:
    """The address that the provider has verified, or, where the deployment trusts it with that, the
    one that it gives. None for none, and for one that it says it has not verified.
    """
    given = claims.get("email")
    if not isinstance(given, str) or not 0 < len(given) <= 320:
        return None
    # Entra says `xms_edov`, if asked to; some write truth as a text or a number.
    said = [claims[name] for name in ("email_verified", "xms_edov") if name in claims]
    if any(each not in (True, 1, "1", "true") for each in said):
        return None
    return given if said or trusted else None


def _payload(token: str) -> dict[str, Any]:
    parts = token.split(".")
    if len(parts) != 3:
        raise Untrusted("not a token")
    try:
        read = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        raise Untrusted("not a token") from None
    if not isinstance(read, dict):
        raise Untrusted("not a token")
    return read


def _time(claims: Mapping[str, Any], name: str) -> datetime | None:
    """None where it is absent. Raises Untrusted for what is no time."""
    value = claims.get(name)
    if value is None:
        return None
    try:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        raise Untrusted(f"with an {name} that is no time") from None
