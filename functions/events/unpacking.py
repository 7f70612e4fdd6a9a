"""Compressed bodies: unpacked as far as any may be long, and then as if they had come plain."""

import zlib
from dataclasses import replace
from typing import Final

from opsknight.http.gateway import Failure, HttpError, Request

# Bytes that a tool may post with many alerts in one request.
LARGEST_BATCH: Final = 4 * 1024 * 1024
# Each costs a copy of all behind it, and a stranger's megabytes hold hundreds of thousands of empty
# ones. Blocks of 64 KB, as some tools pack, are fewer.
MOST_PARTS: Final = 100
# zlib's word for "a gzip header".
_GZIP: Final = 31
_PLAIN: Final = frozenset({"", "identity"})


def unpacked(request: Request, most: int) -> Request:
    """`most`: the largest body that is taken. What is larger is cut a byte behind that, and so is
    refused for its size. Raises HttpError: 415 for another encoding, 400 for what is no gzip.
    """
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding in _PLAIN:
        return request
    if encoding not in ("gzip", "x-gzip"):
        failure = Failure(error="Unsupported content encoding", message="Send it plain, or as gzip")
        raise HttpError(415, failure, **{"Accept-Encoding": "gzip"})
    return replace(request, body=_unpacked(request.body, most + 1))


def _unpacked(body: bytes, longest: int) -> bytes:
    found, parts = b"", 0
    # A file of gzip may be several, one behind the other.
    while body and len(found) < longest:
        parts += 1
        if parts > MOST_PARTS:
            why = f"the body is more than {MOST_PARTS} files of gzip"
            raise HttpError(400, Failure(error="Invalid gzip", message=why))
        stream = zlib.decompressobj(_GZIP)
        try:
            found += stream.decompress(body, longest - len(found))
        except zlib.error:
            raise _broken() from None
        if not stream.eof and len(found) < longest:
            raise _broken()
        body = stream.unused_data
    return found


def _broken() -> HttpError:
    return HttpError(400, Failure(error="Invalid gzip", message="the body is not gzip, or is cut"))
