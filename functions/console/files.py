"""The built files of the front end, as they lie in the package: whole, gzip and Brotli, made when
they were built, as API Gateway compresses nothing.
"""

import re
from dataclasses import field
from hashlib import sha256
from pathlib import Path
from typing import Final

from opsknight.classes import dataclass
from opsknight.http.gateway import Answer, Request

BUILT: Final = Path(__file__).with_name("static")
PREFIX: Final = "/console/"
INDEX: Final = "index.html"
# Nothing of another origin, nothing inline, and no text becomes markup or script.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
GUARDED: Final = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # With none at all, a form of ours would not say which origin it is from.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # Browsers heed it over https only.
    "Strict-Transport-Security": "max-age=31536000",
}
# A name with the hash of its content never changes.
FOREVER: Final = "public, max-age=31536000, immutable"
_NAME: Final = re.compile(
    r"(assets/)?[0-9A-Za-z_-]+(\.[0-9A-Za-z_-]+)*\.(js|css|svg|png|json|webmanifest)"
)
_KINDS: Final = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "json": "application/json",
    "webmanifest": "application/manifest+json",
}
# The better one first.
_ENCODINGS: Final = (("br", ".br"), ("gzip", ".gz"))


@dataclass(frozen=True, slots=True)
class Files:
    root: Path = BUILT
    _read: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def answer(self, request: Request) -> Answer | None:
        """None where there is no such file. Any path without a file's ending is the console's own
        address for one of its pages.
        """
        name = request.path.removeprefix(PREFIX)
        if "." not in name.rpartition("/")[2]:
            name = INDEX
        elif not _NAME.fullmatch(name):
            return None
        content, encoding = self._content(name, request.headers.get("accept-encoding", ""))
        if content is None:
            return None
        tag = f'"{sha256(content).hexdigest()[:32]}"'
        fixed = name.startswith("assets/")
        headers = {
            **GUARDED,
            "Content-Type": _KINDS[name.rpartition(".")[2]],
            "Cache-Control": FOREVER if fixed else "no-cache",
            "ETag": tag,
            "Vary": "Accept-Encoding",
        }
        if request.headers.get("if-none-match") == tag:
            return Answer(304, "", headers)
        if encoding:
            headers["Content-Encoding"] = encoding
        return Answer(200, content, headers)

    def _content(self, name: str, accepted: str) -> tuple[bytes | None, str]:
        taken = {each.partition(";")[0].strip() for each in accepted.split(",")}
        for encoding, ending in _ENCODINGS:
            if encoding in taken and (content := self._file(name + ending)) is not None:
                return content, encoding
        return self._file(name), ""

    def _file(self, name: str) -> bytes | None:
        if name not in self._read:
            path = self.root / name
            if not path.is_file():
                return None
            self._read[name] = path.read_bytes()
        return self._read[name]
