"""The bucket of the rendered pages: what is in it, and changing it without undoing what a newer
rendering wrote.
"""

from collections.abc import Mapping
from hashlib import md5
from typing import Any, Final

from botocore.config import Config
from botocore.exceptions import ClientError

from opsknight.classes import dataclass
from status.documents import FOLDER

S3_CONFIG: Final = Config(
    connect_timeout=1,
    read_timeout=3,
    retries={"total_max_attempts": 3, "mode": "standard"},
    # MiniStack has no host name for each bucket.
    s3={"addressing_style": "path"},
)
_GONE: Final = frozenset({"NoSuchKey", "404", "NotFound"})
# Somebody else's write came between, or comes at the same time.
_OVERTAKEN: Final = frozenset(
    {"PreconditionFailed", "412", "ConditionalRequestConflict", "409", *_GONE}
)
CACHED: Final = "public, max-age=15"


class Overtaken(Exception):
    """Another rendering of the page has written since."""


@dataclass(frozen=True, slots=True)
class Stored:
    kind: str
    content: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class Bucket:
    s3: Any
    """A client of S3."""
    name: str

    def read(self, key: str) -> Stored | None:
        """Raises what boto3 raises."""
        try:
            found = self.s3.get_object(Bucket=self.name, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return None
            raise
        return Stored(found["ContentType"], found["Body"].read(), found["ETag"])

    def paths(self) -> set[str]:
        """The pages that have anything here."""
        found: set[str] = set()
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=FOLDER, Delimiter="/"
        )
        for page in pages:
            keys = [each["Key"] for each in page.get("Contents", [])]
            keys += [each["Prefix"].rstrip("/") for each in page.get("CommonPrefixes", [])]
            found |= {key.removeprefix(FOLDER) for key in keys}
        return found - {""}

    def tags(self, path: str) -> dict[str, str]:
        """The ETag of each document of a page, by key. To be asked before the table is read: what
        is written by these tags is then no older than what it replaces.
        """
        found: dict[str, str] = {}
        home = f"{FOLDER}{path}"
        try:
            found[home] = self.s3.head_object(Bucket=self.name, Key=home)["ETag"]
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=f"{home}/"
        )
        for page in pages:
            found |= {each["Key"]: each["ETag"] for each in page.get("Contents", [])}
        return found

    def replace(self, tags: Mapping[str, str], documents: Mapping[str, tuple[str, bytes]]) -> int:
        """Writes what differs, removes what is no more, and returns how many that were. The first
        page comes last: it links to all others. Raises Overtaken.
        """
        changed = 0
        for key, (kind, content) in sorted(documents.items(), reverse=True):
            # S3's tag of an object that is put in one piece.
            digest = md5(content, usedforsecurity=False).hexdigest()
            if tags.get(key, "").strip('"') != digest:
                self._put(key, kind, content, tags.get(key))
                changed += 1
        for key in tags.keys() - documents.keys():
            self.s3.delete_object(Bucket=self.name, Key=key)
            changed += 1
        return changed

    def _put(self, key: str, kind: str, content: bytes, tag: str | None) -> None:
        try:
            if tag is None:
                self.s3.put_object(
                    Bucket=self.name,
                    Key=key,
                    Body=content,
                    ContentType=kind,
                    CacheControl=CACHED,
                    IfNoneMatch="*",
                )
            else:
                self.s3.put_object(
                    Bucket=self.name,
                    Key=key,
                    Body=content,
                    ContentType=kind,
                    CacheControl=CACHED,
                    IfMatch=tag,
                )
        except ClientError as error:
            if error.response["Error"]["Code"] in _OVERTAKEN:
                raise Overtaken(key) from error
            raise
