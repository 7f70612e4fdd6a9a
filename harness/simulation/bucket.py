"""S3, as far as the worker of status pages uses it: conditional writes, and lists."""

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import md5
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ReadTimeoutError

from harness.simulation.clients import URL
from harness.simulation.functions import Process
from harness.simulation.writes import failure


@dataclass(frozen=True)
class Stored:
    kind: str
    content: bytes

    @property
    def etag(self) -> str:
        return f'"{md5(self.content, usedforsecurity=False).hexdigest()}"'


@dataclass(repr=False)
class Bucket:
    on_put: Callable[[str, bytes], None]
    """Is told the key and the content of each object that is put."""
    objects: dict[str, Stored] = field(default_factory=dict[str, Stored])


@dataclass(frozen=True)
class BucketClient:
    bucket: Bucket
    process: Process
    timeout: float

    def head_object(self, **asked: Any) -> dict[str, Any]:
        return self._call(lambda: {"ETag": self._stored(asked["Key"]).etag})

    def get_object(self, **asked: Any) -> dict[str, Any]:
        def found() -> dict[str, Any]:
            stored = self._stored(asked["Key"])
            body = io.BytesIO(stored.content)
            return {"ContentType": stored.kind, "Body": body, "ETag": stored.etag}

        return self._call(found)

    def put_object(self, **asked: Any) -> dict[str, Any]:
        def put() -> dict[str, Any]:
            known = self.bucket.objects.get(asked["Key"])
            wanted = asked.get("IfMatch")
            if (known is not None) if wanted is None else (known is None or known.etag != wanted):
                raise failure("PreconditionFailed")
            self.bucket.objects[asked["Key"]] = Stored(asked["ContentType"], asked["Body"])
            self.bucket.on_put(asked["Key"], asked["Body"])
            return {}

        return self._call(put)

    def delete_object(self, **asked: Any) -> dict[str, Any]:
        return self._call(lambda: {"Deleted": self.bucket.objects.pop(asked["Key"], None)})

    def get_paginator(self, operation: str) -> SimpleNamespace:
        assert operation == "list_objects_v2"
        return SimpleNamespace(paginate=lambda **asked: [self._call(lambda: self._list(asked))])

    def _list(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        prefix, cut = asked["Prefix"], asked.get("Delimiter")
        mine = {key: it for key, it in self.bucket.objects.items() if key.startswith(prefix)}
        apart = _folders(mine, prefix) if cut else set()
        shown = [
            {"Key": key, "ETag": it.etag}
            for key, it in sorted(mine.items())
            if not any(key.startswith(folder) for folder in apart)
        ]
        return {"Contents": shown, "CommonPrefixes": [{"Prefix": it} for it in sorted(apart)]}

    def _stored(self, key: str) -> Stored:
        if key not in self.bucket.objects:
            raise failure("NoSuchKey")
        return self.bucket.objects[key]

    def _call(self, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """An answer that is lost is a write that was made."""
        hub, weather = self.process.hub, self.process.weather
        self.process.strike()
        hub.sleep(hub.chance.uniform(*weather.latency))
        answer = work()
        if weather.lost_answer and hub.chance.random() < weather.lost_answer:
            hub.sleep(self.timeout)
            raise ReadTimeoutError(endpoint_url=URL)
        self.process.strike()
        return answer


def _folders(keys: Iterable[str], prefix: str) -> set[str]:
    rests = (key.removeprefix(prefix) for key in keys)
    return {f"{prefix}{rest.partition('/')[0]}/" for rest in rests if "/" in rest}
