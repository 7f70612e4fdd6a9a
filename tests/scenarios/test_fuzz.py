"""Whatever comes over the wire: no 5xx, JSON always, nothing stored of what was refused."""

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from events.handler import Api
from harness import embedded
from harness.fuzzing import TEXT, gateway_events
from harness.invariants import check, stored
from harness.world import World, build, deadline, event, http_event
from opsknight.http.gateway import respond
from opsknight.incident.event_request import describe

KIB = 1024


class Arena:
    """A world, and a new one before it is large. Time goes on, so nobody is limited."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.used = 0
        self.world = build(endpoint)
        self.api = self.world.api()
        self.statuses: Counter[int] = Counter()
        self.stored = stored(self.world)

    def meet(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        """Sends it, with the key in it, and asserts what holds for every answer; the answer."""
        if self.used == 30:
            self.used = 0
            self.world.close()
            self.world = build(self.endpoint)
            self.api = self.world.api()
            self.stored = stored(self.world)
        self.used += 1
        self.world.clock.advance(seconds=1)
        answer = respond(self.with_key(sent), lambda: self.api)
        status = answer["statusCode"]
        self.statuses[status] += 1
        told = json.loads(answer["body"], parse_constant=pytest.fail)
        assert isinstance(told, dict)
        assert answer["headers"]["Content-Type"] == "application/json"
        assert answer["headers"]["X-Request-Id"]
        for name, value in answer["headers"].items():
            assert f"{name}{value}".isprintable()
            assert f"{name}{value}".isascii()
        json.dumps(answer).encode()
        assert status in (200, 202, 400, 401, 403, 404, 405, 413), told
        if status == 202:
            self.read_back(sent, told)
        else:
            assert stored(self.world) == self.stored, "refused, and yet something is stored"
        if status >= 400:
            assert told["error"]
        if told.get("error") == "Invalid request body":
            assert all(issue["message"] for issue in told["issues"])
        return answer

    def read_back(self, sent: Mapping[str, Any], told: Mapping[str, Any]) -> None:
        """What was taken is there, the body as it came."""
        before, self.stored = self.stored, check(self.world)
        raw = raw_body(sent)
        result = told["result"]
        if result["action"] == "ignored":
            assert self.stored == before, "ignored, and yet something is stored"
        if result["action"] not in ("triggered", "deduplicated"):
            return
        alerts = self.world.table.alerts(result["incident"]["id"], deadline())
        assert alerts[-1].body == raw.decode("utf-8-sig")
        assert len((describe(alerts[-1].body) or "").encode()) <= 40_003

    def with_key(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        headers = {
            name: value.replace("KEY", self.world.integration_key) if value else value
            for name, value in (sent.get("headers") or {}).items()
        }
        return {**sent, "headers": headers}

    def post(self, text: str) -> dict[str, Any]:
        headers = {"authorization": "Token token=KEY"}
        return self.meet(http_event(text, headers=headers))


def raw_body(sent: Mapping[str, Any]) -> bytes:
    text: str = sent["body"]
    return base64.b64decode(text) if sent["isBase64Encoded"] else text.encode()


@pytest.fixture(scope="module")
def arena() -> Iterator[Arena]:
    """One for all examples of a test: Hypothesis wants it so."""
    arena = Arena(embedded.endpoint())
    yield arena
    arena.world.close()


@pytest.mark.soak
def test_no_request_breaks_it(arena: Arena, full_size: bool, say: Callable[[str], None]) -> None:
    @settings(max_examples=settings().max_examples * (25 if full_size else 5))
    @given(sent=gateway_events())
    def property(sent: dict[str, Any]) -> None:
        arena.meet(sent)

    property()
    say(f"answers by status: {dict(sorted(arena.statuses.items()))}")
    assert arena.statuses[202] > settings().max_examples
    assert arena.statuses[400] > settings().max_examples


def large(size: int, seed: int, characters: str) -> str:
    """An event of exactly `size` bytes; of random characters it hardly gets smaller."""
    bare = event("trigger", "dump", payload={"custom_details": {"dump": ""}})
    room = size - len(json.dumps(bare))
    filling = "".join(Random(seed).choices(characters, k=room // len(characters[0].encode())))
    bare["payload"]["custom_details"]["dump"] = filling
    text = json.dumps(bare, ensure_ascii=False)
    return text + " " * (size - len(text.encode()))


PRINTABLE = "".join(chr(number) for number in range(32, 127) if chr(number) not in '"\\')
WIDE = "".join(chr(number) for number in range(0x10000, 0x10FFFF, 997))


@pytest.mark.soak
def test_large_bodies(dynamodb: str) -> None:
    """Up to 512 KB they are taken, whatever they are made of, and nothing of them is lost."""
    arena = Arena(dynamodb)

    @settings(max_examples=settings().max_examples // 4)
    @given(
        size=st.sampled_from([64, 200, 512, 600]),
        more=st.sampled_from([-1, 0, 1]),
        seed=st.integers(0, 99),
        characters=st.sampled_from([PRINTABLE, WIDE, "x"]),
        encoded=st.booleans(),
    )
    @example(size=512, more=0, seed=1, characters=PRINTABLE, encoded=False)
    @example(size=512, more=0, seed=1, characters=WIDE, encoded=True)
    @example(size=512, more=1, seed=1, characters=PRINTABLE, encoded=False)
    @example(size=600, more=0, seed=1, characters="x", encoded=True)
    def property(size: int, more: int, seed: int, characters: str, encoded: bool) -> None:
        text = large(size * KIB + more, seed, characters)
        headers = {"authorization": "Token token=KEY"}
        sent = http_event(text, headers=headers)
        if encoded:
            sent |= {"body": base64.b64encode(text.encode()).decode(), "isBase64Encoded": True}
        answer = arena.meet(sent)
        assert answer["statusCode"] == (202 if size * KIB + more <= 512 * KIB else 413)

    property()
    arena.world.close()


STORABLE = st.characters(exclude_categories=["Cs"])
# With something at both ends that no trimming takes away.
TITLES = st.text(st.characters(exclude_categories=()), max_size=498).map("<{}>".format)
DEDUP_KEYS = st.text(STORABLE, max_size=198).map("[{}]".format)
SPACE = st.text(st.sampled_from(" \t\n\r\u00a0\u2003\u3000"), max_size=3)


@pytest.mark.soak
@pytest.mark.parametrize("escaped", [True, False], ids=["escaped", "as it is"])
def test_a_valid_event_is_accepted_whatever_its_texts_hold(arena: Arena, escaped: bool) -> None:
    @settings(max_examples=settings().max_examples)
    @given(title=TITLES, dedup_key=DEDUP_KEYS, before=SPACE, after=SPACE, source=TEXT)
    @example(title="<\ud800>", dedup_key="[\0]", before="", after="", source="\udfff")
    @example(title="<>", dedup_key="\U0010ffff" * 200, before=" ", after="\u3000", source="")
    def property(title: str, dedup_key: str, before: str, after: str, source: str) -> None:
        if not escaped:
            # Half of a pair cannot come as it is: UTF-8 has none.
            title, source = (text.encode("utf-8", "replace").decode() for text in (title, source))
        sent = event(
            "trigger",
            before + dedup_key + after,
            payload={"summary": before + title + after, "source": f"s{source}"},
        )
        answer = arena.post(json.dumps(sent, ensure_ascii=escaped))
        assert answer["statusCode"] == 202, answer["body"]
        incident = json.loads(answer["body"])["result"]["incident"]
        assert incident["dedupKey"] == dedup_key
        found = stored(arena.world).pointers[arena.world.service.id, dedup_key]
        assert found["id"] == incident["id"]
        if json.loads(answer["body"])["result"]["action"] == "triggered":
            shown = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in paired(title))
            assert incident["title"] == shown

    property()


def paired(text: str) -> str:
    """As JSON carries it: two halves that stand side by side are one character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


ALIKE = (
    *("a", "a#", "#a", "a#a", "a##a", "##", "svc_checkout#a", "incident#a", "pointer", "a#pointer"),
    # Composed and not, wide and narrow, dotted and not: what looks alike is not the same.
    *("\u00e9", "e\u0301", "\uff41", "i", "\u0131", "A", "\u0430", "a\u200b", "a\0", "\ufeffa"),
    *("\U0001f4a9" * 200, "\U0001f4a9" * 199, "\U0001f4a9" * 199 + "\U0001f4aa"),
)


def test_dedup_keys_that_are_nearly_the_same_are_different_problems(world: World) -> None:
    places = [
        (dedup_key, service)
        for dedup_key in ALIKE
        for service in (world.service.id, world.other_service.id)
    ]
    for action in ("triggered", "deduplicated"):
        for dedup_key, service in places:
            body = event(dedup_key=dedup_key, service_id=service)
            answer = world.send(body, key=world.api_key)
            assert (answer.status, answer.action) == (202, action), dedup_key
            assert answer.incident["dedupKey"] == dedup_key
        world.clock.advance(minutes=1)
    found = check(world)
    assert len(found.incidents) == len(places)
    assert {item["alert_count"] for item in found.incidents.values()} == {2}


BARE = ("headers", "requestContext", "rawPath", "body", "isBase64Encoded", "version")


@pytest.mark.parametrize("value", ["missing", None], ids=str)
@pytest.mark.parametrize("name", BARE)
def test_a_gateway_event_that_lacks_something(arena: Arena, name: str, value: str | None) -> None:
    sent = http_event(event(), headers={"authorization": "Token token=KEY"})
    sent = arena.with_key(sent)
    if value is None:
        sent[name] = None
    else:
        del sent[name]
    refused(arena, sent)


@pytest.mark.parametrize("name", ["authorization", "x-request-id", "x-api-key", "content-type"])
def test_a_header_without_a_value(arena: Arena, name: str) -> None:
    headers = {"authorization": "Token token=KEY"}
    sent = arena.with_key(http_event("{", headers=headers))
    sent["headers"][name] = None
    refused(arena, sent)


def refused(arena: Arena, sent: dict[str, Any]) -> None:
    api: Api = arena.world.api()
    before = stored(arena.world)
    answer = respond(sent, lambda: api)
    assert answer["headers"]["X-Request-Id"]
    assert json.loads(answer["body"])
    assert answer["statusCode"] < 500
    if answer["statusCode"] != 202:
        assert stored(arena.world) == before
