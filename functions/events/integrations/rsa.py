"""Whether a text is signed by the key of a certificate: RSA with PKCS #1 v1.5 (RFC 8017, 8.2.2).

Only checked, never signed: there is no secret here. The signature is compared with the one block
that it may be, so that nothing about its padding is ever parsed. No library: a binary one would
have to be in the layer for two architectures, and be loaded by every cold start.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator
from typing import Final

from opsknight.classes import dataclass

_BEGIN: Final = "-----BEGIN CERTIFICATE-----"
_END: Final = "-----END CERTIFICATE-----"
_INTEGER: Final = 0x02
_BITS: Final = 0x03
_SEQUENCE: Final = 0x30
_VERSION: Final = 0xA0
_RSA: Final = bytes.fromhex("06092a864886f70d010101")
SMALLEST_BYTES: Final = 256
# The DigestInfo before the digest itself.
_DIGESTS: Final = {
    "sha1": bytes.fromhex("3021300906052b0e03021a05000414"),
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
}


class Unreadable(ValueError):
    """It is no certificate with an RSA key of today's size."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    modulus: int
    exponent: int

    def verifies(self, signed: bytes, signature: bytes, digest: str) -> bool:
        """`digest` is sha1 or sha256."""
        size = (self.modulus.bit_length() + 7) // 8
        number = int.from_bytes(signature)
        if len(signature) != size or number >= self.modulus:
            return False
        # SNS signs with SHA-1 unless its topic asks for more, and nobody else's document can be
        # made to say what a message of SNS has to say.
        hashed = hashlib.new(digest, signed, usedforsecurity=False).digest()
        tail = b"\x00" + _DIGESTS[digest] + hashed
        wanted = b"\x00\x01" + b"\xff" * (size - 2 - len(tail)) + tail
        found = pow(number, self.exponent, self.modulus).to_bytes(size)
        return hmac.compare_digest(found, wanted)


def key_of_certificate(pem: str) -> PublicKey:
    """Raises Unreadable."""
    _, begin, rest = pem.partition(_BEGIN)
    body, end, _ = rest.partition(_END)
    if not begin or not end:
        raise Unreadable("it is no PEM of a certificate")
    try:
        der = base64.b64decode("".join(body.split()), validate=True)
        return _key(der)
    except (binascii.Error, IndexError, StopIteration, ValueError) as error:
        raise Unreadable("its structure is not that of a certificate") from error


def _key(der: bytes) -> PublicKey:
    certificate = _inside(der, _SEQUENCE)
    parts = _parts(_inside(certificate, _SEQUENCE))
    kind, _ = next(parts)
    if kind == _VERSION:
        next(parts)
    # Algorithm, issuer, validity, subject.
    for _ in range(4):
        next(parts)
    kind, info = next(parts)
    if kind != _SEQUENCE:
        raise ValueError("no public key")
    [(_, algorithm), (kind, bits)] = _parts(info)
    if not algorithm.startswith(_RSA) or kind != _BITS or bits[0] != 0:
        raise ValueError("no RSA key")
    [(first, modulus), (second, exponent)] = _parts(_inside(bits[1:], _SEQUENCE))
    if first != _INTEGER or second != _INTEGER:
        raise ValueError("no RSA key")
    found = PublicKey(int.from_bytes(modulus), int.from_bytes(exponent))
    if found.modulus.bit_length() < SMALLEST_BYTES * 8 or not 3 <= found.exponent < 2**32:
        raise ValueError("the key is too small, or strange")
    return found


def _inside(der: bytes, wanted: int) -> bytes:
    kind, content = next(_parts(der))
    if kind != wanted:
        raise ValueError("another structure")
    return content


def _parts(der: bytes) -> Iterator[tuple[int, bytes]]:
    """The elements of a sequence, each with its tag. Raises IndexError where one is cut off."""
    at = 0
    while at < len(der):
        kind, length = der[at], der[at + 1]
        at += 2
        if length & 0x80:
            count = length & 0x7F
            if not 0 < count <= 4 or at + count > len(der):
                raise IndexError(at)
            length = int.from_bytes(der[at : at + count])
            at += count
        if at + length > len(der):
            raise IndexError(at)
        yield kind, der[at : at + length]
        at += length
