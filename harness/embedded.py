"""MiniStack's DynamoDB and SSM in this process: they answer as the server does.

A client keeps its retries, hooks and parsing; only its last step, the connection, is replaced.
Calls run one at a time, as on the server. But no call waits for anything, so threads hardly ever
interleave: races, streams and timeouts need the server itself (`harness.dynamodb.server`).
"""

import io
from collections.abc import Iterator
from functools import cache
from itertools import count
from threading import Lock
from types import ModuleType
from typing import Any, Final

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from ministack.core.responses import set_request_account_id  # type: ignore[import-untyped]
from ministack.services import dynamodb, ssm  # type: ignore[import-untyped]

_SERVICES: Final[dict[str, ModuleType]] = {"dynamodb": dynamodb, "ssm": ssm}
_DOMAIN: Final = ".embedded.invalid"
_ACCOUNTS: Final = count(1)
_ONE_AT_A_TIME: Final = Lock()


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
        with _ONE_AT_A_TIME:
            set_request_account_id(self._account)
            status, headers, body = _result(
                self._service.handle_request("POST", "/", sent, request.body, {})
            )
        raw: Any = _Body(body if isinstance(body, bytes) else body.encode())
        return AWSResponse(request.url, status, headers, raw)

    def close(self) -> None:
        """There is nothing to close."""


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _result(answer: Any) -> Any:
    """The result of a coroutine that waits for nothing."""
    try:
        answer.send(None)
    except StopIteration as stop:
        return stop.value
    raise RuntimeError("MiniStack waits for something: this service cannot be embedded any more")


@cache
def _session() -> boto3.Session:
    """Reading the description of a service takes most of the time that a new client takes."""
    return boto3.Session()


def client(service: str, endpoint: str | None, config: Config | None = None) -> Any:
    """A new client of the service at the endpoint, which may be a server or embedded here.

    Without an endpoint it calls AWS, which is moto where a test has that on.
    """
    made: Any = _session().client(service, endpoint_url=endpoint, config=config)  # type: ignore[call-overload]
    if endpoint is not None and is_embedded(endpoint):
        account = endpoint.removeprefix("http://").removesuffix(_DOMAIN)
        # botocore has no public way to choose the connection.
        made._endpoint.http_session = _Connection(_SERVICES[service], account)
    return made
