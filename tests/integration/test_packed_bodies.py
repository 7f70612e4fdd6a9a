"""Events that come compressed: monitors and agents may do so, and their pages count."""

import base64
import gzip
import json
import zlib
from typing import Any

import pytest

from events.unpacking import LARGEST_BATCH, MOST_PARTS
from harness.world import Response, World, event, http_event
from opsknight.incident.event_request import LARGEST_BODY


def send(world: World, body: bytes, encoding: str, path: str = "/api/events") -> Response:
    """As API Gateway hands over bytes."""
    key = {"Authorization": f"Token token={world.integration_key}"}
    text = base64.b64encode(body).decode()
    headers = key | {"Content-Encoding": encoding}
    return world.request(http_event(text, path=path, headers=headers, base64=True))


def text(**more: Any) -> bytes:
    return json.dumps(event("trigger", "disk", **more)).encode()


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip", "identity"])
def test_a_compressed_event_is_an_event(world: World, encoding: str) -> None:
    sent = text()
    answer = send(world, sent if encoding == "identity" else gzip.compress(sent), encoding)
    assert (answer.status, answer.body["result"]["action"]) == (202, "triggered")
    [alert] = [item for item in world.items() if item["kind"]["S"] == "alert"]
    assert alert["body"]["S"] == sent.decode()


def test_a_body_of_several_parts_is_one(world: World) -> None:
    sent = text()
    packed = gzip.compress(sent[:20]) + gzip.compress(sent[20:])
    assert send(world, packed, "gzip").status == 202


def test_a_body_of_endless_parts_is_400_and_costs_little(shared_world: World) -> None:
    """The last part is no gzip: whoever read on would say so."""
    answer = send(shared_world, gzip.compress(b"") * MOST_PARTS + b"x" * 20, "gzip")
    assert (answer.status, answer.body["message"]) == (
        400,
        f"the body is more than {MOST_PARTS} files of gzip",
    )


@pytest.mark.parametrize(
    "packed", [b"", b"plain", gzip.compress(b"{}" * 99)[:-9], zlib.compress(b"{}")], ids=len
)
def test_what_is_no_gzip_is_400(shared_world: World, packed: bytes) -> None:
    answer = send(shared_world, packed, "gzip")
    assert answer.status == 400
    assert answer.body["error"] == ("Invalid gzip" if packed else "Invalid JSON")


@pytest.mark.parametrize("encoding", ["deflate", "br", "gzip, gzip", "zstd"])
def test_another_encoding_is_415_and_told_which(shared_world: World, encoding: str) -> None:
    answer = send(shared_world, text(), encoding)
    assert (answer.status, answer.headers["Accept-Encoding"]) == (415, "gzip")


def test_what_unpacks_to_more_than_is_taken_is_413_and_never_held(shared_world: World) -> None:
    # A hundred megabytes in a hundred kilobytes.
    packed = gzip.compress(b" " * 100_000_000, compresslevel=1)
    answer = send(shared_world, packed, "gzip")
    assert (answer.status, answer.body["maximum_bytes"]) == (413, LARGEST_BODY)
    answer = send(shared_world, packed, "gzip", "/api/integrations/grafana")
    assert (answer.status, answer.body["maximum_bytes"]) == (413, LARGEST_BATCH)
