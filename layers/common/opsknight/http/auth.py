"""Who calls an HTTP function, and what for: keys, scopes and teams. `directory_cache` remembers
them, `rate_limiter` says how often they may ask.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from opsknight.classes import dataclass
from opsknight.directory.entries import (
    ApiKey,
    IntegrationKey,
    Service,
    User,
    has_access,
    key_hash,
)
from opsknight.http.body import invalid
from opsknight.http.directory_cache import DirectoryCache
from opsknight.http.gateway import Failure, HttpError, Issue
from opsknight.store.calls import Deadline

_INTEGRATION_KEY: Final = re.compile(r"""token=(["']?)([0-9a-f]{32})\1""", re.IGNORECASE)
_API_KEY: Final = re.compile(r"opsk_[0-9A-Za-z_-]{43}")


@dataclass(frozen=True, slots=True)
class ByIntegration:
    hashed: str
    key: IntegrationKey
    service: Service


@dataclass(frozen=True, slots=True)
class ByUser:
    hashed: str
    key: ApiKey
    user: User


def authenticate(
    headers: Mapping[str, str],
    service_id: Callable[[], str | None],
    directory: DirectoryCache,
    now: datetime,
    deadline: Deadline,
) -> ByIntegration | ByUser:
    """Raises HttpError: 403 for an integration key that is not live, 401 for anything else that
    is no live key.

    `headers` have lower-case names. `service_id` finds the service that the body seems to name, a
    hint at the next lookup. It is called once the key is found: a stranger's body is never read.
    """
    scheme, *rest = headers.get("authorization", "").split(None, 1) or [""]
    credentials = "".join(rest).strip()
    match scheme.lower():
        case "token":
            return _by_integration(credentials, directory, now, deadline)
        case "bearer" | "api-key":
            return _by_user(credentials, service_id, directory, now, deadline)
        case "":
            secret = headers.get("x-api-key", "").strip()
            return _by_user(secret, service_id, directory, now, deadline)
        case _:
            raise unauthorized()


def _by_integration(
    credentials: str, directory: DirectoryCache, now: datetime, deadline: Deadline
) -> ByIntegration:
    written = _INTEGRATION_KEY.fullmatch(credentials)
    if written:
        hashed = key_hash(written[2].lower())
        key = directory.integration_key(hashed, now, deadline)
        service = key and directory.service(key.service_id, now, deadline)
        if key and service:
            return ByIntegration(hashed, key, service)
    expected = "Expected `Authorization: Token token=<the 32 hexadecimal digits of a live key>`."
    raise HttpError(403, Failure(error="Invalid Integration Key", message=expected))


def _by_user(
    secret: str,
    service_id: Callable[[], str | None],
    directory: DirectoryCache,
    now: datetime,
    deadline: Deadline,
) -> ByUser:
    if _API_KEY.fullmatch(secret):
        hashed = key_hash(secret)
        key = directory.api_key(hashed, now, deadline)
        user = key and directory.owner(key, service_id(), now, deadline)
        if key and user:
            return ByUser(hashed, key, user)
    raise unauthorized()


def unauthorized() -> HttpError:
    expected = (
        "Expected `Authorization: Token token=<integration key>`, "
        "or a live API key as `Authorization: Bearer <API key>`."
    )
    return HttpError(401, Failure(error="Unauthorized", message=expected))


def service_of(
    caller: ByIntegration | ByUser,
    service_id: object,
    scope: str,
    directory: DirectoryCache,
    now: datetime,
    deadline: Deadline,
) -> Service:
    """The service that a request is for. With an API key, `scope` is required.

    Raises HttpError: with an API key 403, 400, 404 or 403, in this order.
    """
    if isinstance(caller, ByIntegration):
        return caller.service
    if scope not in caller.key.scopes:
        raise HttpError(403, "API key missing scope")
    return service_for(caller.user, service_id, directory, now, deadline)


def service_for(
    user: User, service_id: object, directory: DirectoryCache, now: datetime, deadline: Deadline
) -> Service:
    """The service, if the user may send events for it. Raises HttpError: 400, 404 or 403."""
    if not isinstance(service_id, str) or not service_id.strip():
        missing = "is required with an API key, as a string"
        raise invalid(Issue(path="service_id", message=missing))
    service = directory.service(service_id.strip(), now, deadline)
    if service is None:
        raise HttpError(404, "Service not found")
    if not has_access(user, service):
        raise HttpError(403, "Service access denied")
    return service
