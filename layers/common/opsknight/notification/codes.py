"""Codes that people type to show that a message reached them. Pure.

A code is made from the delivery that brings it, the address that it goes to and the key of links,
wherever it is needed: no code is stored, and whoever reads the table learns none.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from datetime import timedelta
from hashlib import sha256
from typing import Final

DIGITS: Final = 8
# Of a hundred million.
TRIES: Final = 5
LIFE: Final = timedelta(minutes=10)


def code(delivery_id: str, key: bytes, address: str = "") -> str:
    """Eight digits. `address`: where it goes, if typing it is to show that this address works."""
    named = "\0".join([delivery_id, address] if address else [delivery_id])
    text = b"opsknight code\0" + named.encode("utf-8", "surrogatepass")
    made = int.from_bytes(hmac.digest(key, text, sha256))
    return f"{made % 10**DIGITS:0{DIGITS}}"


def is_code(typed: str, delivery_id: str, keys: Iterable[bytes], address: str = "") -> bool:
    """`typed`: as people type it, with spaces and dashes. `keys`: all that may have made it."""
    digits = "".join(letter for letter in typed if letter not in " -\u00a0").encode()
    made = [code(delivery_id, key, address).encode() for key in keys]
    return any(hmac.compare_digest(digits, each) for each in made)


def spaced(digits: str) -> str:
    """As people read and type it: `1234 5678`."""
    return f"{digits[: DIGITS // 2]} {digits[DIGITS // 2 :]}"


def login_secret(delivery_id: str, key: bytes) -> str:
    """The secret of the one-time link in the mail that brings a code for a login."""
    made = hmac.digest(key, b"opsknight login\0" + delivery_id.encode(), sha256)
    return urlsafe_b64encode(made).decode().rstrip("=")
