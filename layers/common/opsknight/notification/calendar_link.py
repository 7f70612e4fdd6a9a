"""The address of a calendar: whoever has it reads when somebody is on call, and nothing else.

It names a user or a schedule and the epoch of that calendar, signed by the key of links. It does
not expire, as calendars ask for years; a new epoch ends all addresses of before.
"""

import hmac
import re
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Final

from opsknight.classes import dataclass
from opsknight.notification.signed_link import BadLink

PATH: Final = "/api/calendar"
_SUFFIX: Final = ".ics"
_SHAPE: Final = re.compile(r"((?:user|sch)_[0-9A-Za-z_-]{1,100})\.(\d{1,9})\.([0-9A-Za-z_-]{22})")


@dataclass(frozen=True, slots=True)
class CalendarLink:
    owner_id: str
    """Of a user or a schedule."""
    epoch: int


def path(owner_id: str, epoch: int, key: bytes) -> str:
    """Of the calendar, under the deployment's URL."""
    return f"{PATH}/{owner_id}.{epoch}.{_mac(owner_id, epoch, key)}{_SUFFIX}"


def of_path(called: str, keys: tuple[bytes, ...]) -> CalendarLink:
    """Raises BadLink."""
    return read(called.removeprefix(f"{PATH}/").removesuffix(_SUFFIX), keys)


def read(text: str, keys: tuple[bytes, ...]) -> CalendarLink:
    """Raises BadLink. `keys`: all that may have signed it."""
    found = _SHAPE.fullmatch(text)
    if found is None:
        raise BadLink
    link = CalendarLink(found[1], int(found[2]))
    for key in keys:
        if hmac.compare_digest(found[3], _mac(link.owner_id, link.epoch, key)):
            return link
    raise BadLink


def _mac(owner_id: str, epoch: int, key: bytes) -> str:
    signed = f"opsknight calendar\0{owner_id}\0{epoch}".encode()
    return urlsafe_b64encode(hmac.digest(key, signed, sha256)[:16]).decode().rstrip("=")
