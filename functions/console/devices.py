"""Browsers in which somebody has logged in before. Each asks for codes on an allowance of its own,
so that strangers who ask in somebody's name cannot shut them out. Pure.

The cookie opens nothing: it only shows that whoever has it once typed a code that came to this
address, or followed its link. Nothing of it is stored.
"""

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from datetime import timedelta
from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import Final

NAME: Final = "__Host-opsknight-device"
LIFE: Final = timedelta(days=180)
_COOKIE: Final = f"{NAME}={{}}.{{}}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={{}}"
_VALUE: Final = re.compile(r"([0-9A-Za-z_-]{22})\.([0-9A-Za-z_-]{43})")


def cookie(address: str, nonce: str, key: bytes) -> str:
    """`address`: the user's e-mail address; `nonce`: 22 letters, from 16 random bytes."""
    return _COOKIE.format(nonce, _proof(address, nonce, key), int(LIFE.total_seconds()))


def device(cookies: Mapping[str, str], address: str, keys: Iterable[bytes]) -> str | None:
    """Names the browser, if it has logged in by this address; `keys`: all that may have made its
    cookie.
    """
    found = _VALUE.fullmatch(cookies.get(NAME, ""))
    if found is None:
        return None
    proofs = [_proof(address, found[1], key) for key in keys]
    return found[1] if any(hmac.compare_digest(found[2], each) for each in proofs) else None


def neighbourhood(source: str) -> str:
    """What counts as one place that requests come from: an IPv4 address, and of IPv6 the /64, in
    which everybody has as many addresses as they like. Empty where it is unknown.
    """
    try:
        address = ip_address(source)
    except ValueError:
        return ""
    return str(address if address.version == 4 else ip_network((source, 64), strict=False))


def _proof(address: str, nonce: str, key: bytes) -> str:
    named = f"{nonce}\0{address.strip().casefold()}".encode("utf-8", "surrogatepass")
    made = hmac.digest(key, b"opsknight device\0" + named, sha256)
    return urlsafe_b64encode(made).decode().rstrip("=")
