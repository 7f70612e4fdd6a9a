"""Whether a tool has signed a request with the secret of its integration: over the raw body, and in
a time that does not depend on how much of a signature is right. Pure.
"""

import base64
import binascii
import hmac
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final, assert_never

from opsknight.directory.presets import Scheme, Signature

# How old a signed request may be, or how far ahead its clock, where the signature covers a time.
TOLERANCE: Final = timedelta(minutes=5)
_SECRET: Final = "whsec_"  # noqa: S105 - what such secrets begin with


def is_signed(
    signatures: Iterable[Signature],
    secrets: Iterable[str],
    body: bytes,
    headers: Mapping[str, str],
    now: datetime,
) -> bool:
    """Whether any of the signatures is right with any of the secrets."""
    known = [*secrets]
    return any(_matches(each, known, body, headers, now) for each in signatures)


def _matches(
    signature: Signature, secrets: list[str], body: bytes, headers: Mapping[str, str], now: datetime
) -> bool:
    sent = headers.get(signature.header, "")
    if not sent:
        return False
    match signature.scheme:
        case Scheme.TOKEN:
            return _is_any([sent], [secret.encode() for secret in secrets])
        case Scheme.HMAC_SHA256 | Scheme.HMAC_SHA1:
            digest = "sha1" if signature.scheme is Scheme.HMAC_SHA1 else "sha256"
            wanted = [
                hmac.new(each.encode(), body, digest).hexdigest().encode() for each in secrets
            ]
            return _is_any(_digits(sent, signature.prefix), wanted)
        case Scheme.HMAC_SHA256_BASE64:
            wanted = [base64.b64encode(hmac.digest(it.encode(), body, "sha256")) for it in secrets]
            return _is_any([sent.strip().removeprefix(signature.prefix)], wanted)
        case Scheme.STANDARD_WEBHOOKS:
            wanted = [*_standard(secrets, body, headers, now)]
            return _is_any(
                (each.removeprefix("v1,") for each in sent.split() if each.startswith("v1,")),
                wanted,
            )
        case _:
            assert_never(signature.scheme)


def _digits(sent: str, prefix: str) -> Iterator[str]:
    """During a rotation of its own, a tool sends several signatures with commas between them."""
    for part in sent.split(","):
        written = part.strip()
        if written.startswith(prefix):
            yield written.removeprefix(prefix).lower()


def _standard(
    secrets: Iterable[str], body: bytes, headers: Mapping[str, str], now: datetime
) -> Iterator[bytes]:
    identity, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    # A request that somebody has kept is no news.
    if not at.isdecimal() or len(at) > 12 or abs(now.timestamp() - int(at)) > TOLERANCE.seconds:
        return
    signed = f"{identity}.{at}.".encode() + body
    for secret in secrets:
        try:
            key = base64.b64decode(secret.removeprefix(_SECRET), validate=True)
        except (binascii.Error, ValueError):
            key = secret.encode()
        yield base64.b64encode(hmac.digest(key, signed, "sha256"))


def _is_any(sent: Iterable[str], wanted: list[bytes]) -> bool:
    found = [each.encode("utf-8", "surrogatepass") for each in sent]
    return any(hmac.compare_digest(each, right) for each in found for right in wanted)
