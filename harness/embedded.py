"""MiniStack's DynamoDB and SSM in this process: they answer as the server does.

A client keeps its hooks, its check of what it is asked, and its errors. What it would do over HTTP
is left out, but after `over_http`.
Calls run one at a time, as on the server. But no call waits for anything, so threads hardly ever
interleave: races, streams and timeouts need the server itself (`harness.dynamodb.server`).

Tests make calls by the hundred thousand, so what costs time and shows nothing is left out: signing,
the user agent, the rules that find an address, and a look into the service's description for each
attribute of an item. An expression is parsed once, however often it comes, and an item is copied as
the JSON that it is.
"""

import base64
import copy
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from threading import Lock
from types import ModuleType, SimpleNamespace
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.endpoint import Endpoint
from botocore.model import OperationModel
from botocore.parsers import JSONParser
from ministack.core.responses import set_request_account_id  # type: ignore[import-untyped]
from ministack.services import dynamodb, s3, ssm  # type: ignore[import-untyped]

from harness import clients

_SERVICES: Final[dict[str, ModuleType]] = {"dynamodb": dynamodb, "s3": s3, "ssm": ssm}
_JSON: Final = frozenset({"dynamodb", "ssm"})
_DOMAIN: Final = ".embedded.invalid"
_ACCOUNTS: Final = count(1)
_ONE_AT_A_TIME: Final = Lock()


# Our own expressions are few; those that a property invents must not stay for ever.
_remembered: Final = lru_cache(maxsize=4096)


def _copied(value: Any) -> Any:
    """A deep copy of JSON, in which nothing is in two places."""
    kind = type(value)
    if kind is str:
        return value
    if kind is dict:
        return {name: _copied(each) for name, each in value.items()}
    if kind is list:
        return [_copied(each) for each in value]
    return copy.deepcopy(value)


def _hasten() -> None:
    parsed = _remembered(dynamodb._tokenize)
    dynamodb._tokenize = lambda expression: list(parsed(expression))
    dynamodb._condition_syntax_error = _remembered(dynamodb._condition_syntax_error)
    dynamodb.copy = SimpleNamespace(copy=copy.copy, deepcopy=_copied)
    # It looks a region up that the account is not in, and loads the whole server to do so.
    s3._region_set_mismatch = lambda *_, **__: None


_hasten()


def endpoint() -> str:
    """A new AWS account: it shares no table and no request token with the other ones."""
    return f"http://{next(_ACCOUNTS):012}{_DOMAIN}"


def is_embedded(endpoint: str) -> bool:
    return endpoint.endswith(_DOMAIN)


class _Body(io.BytesIO):
    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.getvalue()


class _Connection:
    """Stands where botocore has its HTTP session."""

    def __init__(self, service: ModuleType, account: str) -> None:
        self._service, self._account = service, account

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        sent = {name.lower(): _text(value) for name, value in request.headers.items()}
        url = urlsplit(request.url)
        query = parse_qs(url.query, keep_blank_values=True)
        content: Any = request.body or b""
        if hasattr(content, "read"):
            content = content.read()
        method, path = request.method, unquote(url.path)
        status, headers, body = self.answer(method, path, sent, content, query)
        raw: Any = _Body(_bytes(body))
        return AWSResponse(request.url, status, headers, raw)

    def answer(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, query: object
    ) -> Any:
        with _ONE_AT_A_TIME:
            set_request_account_id(self._account)
            return _result(self._service.handle_request(method, path, headers, body, query))

    def close(self) -> None:
        """There is nothing to close."""


@dataclass(slots=True)
class _Answer:
    """What botocore looks at of an HTTP response that is parsed already. A hook may change it."""

    status_code: int
    headers: Mapping[str, str]


class _Short:
    """Stands where botocore has its endpoint: takes a request as the operation's serializer made
    it, and parses the answer. There is no HTTP in between, and nothing is tried again.
    """

    def __init__(self, whole: Endpoint, connection: "_Connection") -> None:
        self.whole, self.host, self._connection = whole, whole.host, connection
        self._parser = _Parser()

    def make_request(self, model: OperationModel, request: Mapping[str, Any]) -> Any:
        sent = {name.lower(): value for name, value in request["headers"].items()}
        status, headers, body = self._connection.answer("POST", "/", sent, request["body"], {})
        raw = {"status_code": status, "headers": headers, "body": _bytes(body)}
        output: Any = model.output_shape
        parsed = self._parser.parse(raw, output)
        if status >= 300:
            shape: Any = model.service_model.shape_for_error_code(parsed["Error"]["Code"])
            parsed |= self._parser.parse(raw, shape) if shape else {}
        return _Answer(status, headers), parsed

    def close(self) -> None:
        """There is nothing to close."""


class _Parser(JSONParser):
    """Reads attributes of items as botocore does, without looking each kind up."""

    def _handle_structure(self, shape: Any, value: Any) -> Any:
        if shape.name == "AttributeValue":
            return _attribute(value)
        return super()._handle_structure(shape, value)  # type: ignore[misc]


class _Parsers:
    """Stands where botocore chooses a parser by the service's protocol."""

    def create_parser(self, _protocol: str) -> JSONParser:
        return _Parser()


def _attribute(value: dict[str, Any]) -> dict[str, Any]:
    [(kind, content)] = value.items()
    match kind:
        case "M":
            return {kind: {name: _attribute(each) for name, each in content.items()}}
        case "L":
            return {kind: [_attribute(each) for each in content]}
        case "B":
            return {kind: base64.b64decode(content)}
        case "BS":
            return {kind: [base64.b64decode(each) for each in content]}
        case _:
            return {kind: content}


class Items:
    """Everything in an embedded table. A write stores a new item in place of the old one, so what
    has been read once is read again only when it is another one.
    """

    def __init__(self, endpoint: str, table: str) -> None:
        self._account, self._table = _account(endpoint), table
        self._read: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}

    def __call__(self) -> list[dict[str, Any]]:
        """In wire form, as a scan finds them. The next call has the same: do not change them."""
        with _ONE_AT_A_TIME:
            set_request_account_id(self._account)
            rows = dynamodb._tables[self._table]["items"].values()
            stored = [item for row in rows for item in row.values()]
        before, read = self._read, {}
        for item in stored:
            known = before.get(id(item))
            if known is None or known[0] is not item:
                known = item, {name: _attribute(value) for name, value in item.items()}
            read[id(item)] = known
        self._read = read
        return [wire for _, wire in read.values()]


def fill(endpoint: str, table: str, like: tuple[str, str]) -> None:
    """Puts everything that is in another embedded table (its endpoint and name) into an empty one.
    Items are never changed where they are stored, so both have the same.
    """
    other, name = like
    with _ONE_AT_A_TIME:
        set_request_account_id(_account(other))
        rows = dynamodb._tables[name]["items"]
        set_request_account_id(_account(endpoint))
        filled = dynamodb._tables[table]
        for pk, items in rows.items():
            for sk, item in items.items():
                dynamodb._set_item(filled, pk, sk, item)


def _account(endpoint: str) -> str:
    return endpoint.removeprefix("http://").removesuffix(_DOMAIN)


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _result(answer: Any) -> Any:
    """The result of a coroutine that waits for nothing."""
    try:
        answer.send(None)
    except StopIteration as stop:
        return stop.value
    raise RuntimeError("MiniStack waits for something: this service cannot be embedded any more")


def client(service: str, endpoint: str | None, config: Config | None = None) -> Any:
    """A new client of the service at the endpoint, which may be a server or embedded here.

    Without an endpoint it calls AWS, which is moto where a test has that on.
    """
    plain = Config(user_agent="harness")
    embeds = endpoint is not None and is_embedded(endpoint)
    if endpoint is None or embeds:
        plain = plain.merge(Config(signature_version=UNSIGNED))
    config = config.merge(plain) if config else plain
    if endpoint is None or embeds:
        place = f"http://{_DOMAIN.removeprefix('.')}" if embeds else None
        made = clients.client(service, endpoint=place, config=config)
    else:
        made = clients.connected(service, endpoint, config)
    # botocore has no public way to choose the parser, the connection and the address.
    if service in _JSON:
        made._endpoint._response_parser_factory = _Parsers()
    if endpoint is not None and embeds:
        made.meta._endpoint_url = made._endpoint.host = endpoint
        connection = _Connection(_SERVICES[service], _account(endpoint))
        made._endpoint.http_session = connection
        if service in _JSON:
            made._ruleset_resolver = None
            made._endpoint = _Short(made._endpoint, connection)
    return made


def over_http(client: Any) -> None:
    """From now on this client makes requests as for a server: its hooks see them, and it tries
    again.
    """
    if isinstance(client._endpoint, _Short):
        client._endpoint = client._endpoint.whole
