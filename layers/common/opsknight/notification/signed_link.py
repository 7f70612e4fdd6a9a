"""The signed link in a message: it lets the reader act on one incident, without any other key,
until it expires.

A link stands for one delivery, or for the whole message that the delivery led. As it travels by SMS
it is short: the incident, the delivery and the time it expires, then the first 12 bytes of an
HMAC-SHA256 over them; 41 bytes in all. The delivery's first letter is large where the link stands
for a whole message.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from opsknight.classes import dataclass

# Long enough for a weekend. After that, people look an incident up instead of acting from an old
# message.
LIFE: Final = timedelta(days=7)

_INCIDENT: Final = slice(0, 14)
_DELIVERY: Final = slice(14, 25)
_ENDS: Final = slice(25, 29)
_SIGNED: Final = slice(0, 29)
_MAC: Final = slice(29, 41)
_LENGTH: Final = 55


class BadLink(Exception):
    """The link is not ours, or somebody changed it."""


class ExpiredLink(Exception):
    """The link was ours, but its time is over."""


@dataclass(frozen=True, slots=True)
class Link:
    incident_id: str
    delivery_id: str
    ends_at: datetime
    whole: bool = False
    """Whether it stands for all incidents of the message that the delivery led."""


def whole(delivery_id: str) -> str:
    """For `token`, in place of the delivery's id: the whole message that the delivery led."""
    return delivery_id[:1].upper() + delivery_id[1:]


def token(incident_id: str, delivery_id: str, key: bytes, now: datetime) -> str:
    """For the path of a URL: 55 letters, digits, - and _."""
    ends = int((now + LIFE).timestamp())
    signed = (
        bytes.fromhex(incident_id.removeprefix("inc_"))
        + delivery_id[:1].encode()
        + bytes.fromhex(delivery_id[1:])
        + ends.to_bytes(4)
    )
    return urlsafe_b64encode(signed + _mac(signed, key)).decode().rstrip("=")


def raw(text: str) -> bytes:
    """The bytes of a token that has the shape of one. Raises BadLink.

    It needs no key: what is no token at all costs nobody a look for one.
    """
    if len(text) != _LENGTH:
        raise BadLink
    try:
        found = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (ValueError, UnicodeEncodeError):
        raise BadLink from None
    if len(found) != _MAC.stop or urlsafe_b64encode(found).decode().rstrip("=") != text:
        raise BadLink
    return found


def read(text: str, keys: tuple[bytes, ...], now: datetime) -> Link:
    """Raises BadLink and ExpiredLink. `keys`: all that may have signed it."""
    found = raw(text)
    signed = found[_SIGNED]
    if not any(hmac.compare_digest(found[_MAC], _mac(signed, key)) for key in keys):
        raise BadLink
    ends_at = datetime.fromtimestamp(int.from_bytes(found[_ENDS]), UTC)
    if now >= ends_at:
        raise ExpiredLink
    kind, delivery = chr(found[_DELIVERY][0]), found[_DELIVERY][1:].hex()
    return Link(f"inc_{found[_INCIDENT].hex()}", kind.lower() + delivery, ends_at, kind.isupper())


def _mac(signed: bytes, key: bytes) -> bytes:
    return hmac.digest(key, b"opsknight link\0" + signed, sha256)[:12]
