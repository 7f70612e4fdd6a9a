"""Clients of AWS for tests, made ten times as fast as botocore makes them.

botocore reads the service's description, makes a class and compiles the rules of its address for
each client, which takes longer than most tests. Here the first client of a kind is made so, and the
others are its copies: each has hooks of its own, and shares what never changes.
"""

from copy import copy
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.retries import standard

_MADE: dict[tuple[str, str, str | None, str], Any] = {}


@cache
def _session() -> boto3.Session:
    """Not the default session: a test watches there what the product does."""
    return boto3.Session()


def client(
    service: str,
    *,
    endpoint: str | None = None,
    region: str | None = None,
    config: Config | None = None,
) -> Any:
    """A client with no connection and no hook of any other one; not for a server, whose clients
    have a pool of connections each.
    """
    kind = service, region or "", endpoint, _text(config)
    if kind not in _MADE:
        made: Any = _session()
        _MADE[kind] = made.client(service, endpoint_url=endpoint, region_name=region, config=config)
    return _copied(_MADE[kind])


def _text(config: Config | None) -> str:
    return repr(sorted(vars(config).items(), key=str)) if config else ""


def connected(service: str, endpoint: str, config: Config) -> Any:
    """As botocore makes it, with its own connections to a server."""
    made: Any = _session()
    return made.client(service, endpoint_url=endpoint, config=config)


def _copied(made: Any) -> Any:
    # A client asks its hooks for attributes that it lacks, which `copy` does not bear.
    copied, hooks = object.__new__(type(made)), copy(made.meta.events)
    vars(copied).update(vars(made))
    copied.meta = copy(made.meta)
    copied.meta.events = hooks
    copied._endpoint = copy(made._endpoint)
    copied._endpoint._event_emitter = hooks
    copied._request_signer = copy(made._request_signer)
    copied._request_signer._event_emitter = hooks
    # The quota of what may be tried again counts for one client.
    service = made.meta.service_model.service_id.hyphenize()
    retries = made.meta.config.retries
    if retries["mode"] == "standard" and retries.get("total_max_attempts") != 1:
        hooks.unregister(f"needs-retry.{service}", unique_id=f"retry-config-{service}")
        standard.register_retry_handler(copied, retries.get("total_max_attempts"))
    return copied
