"""Clients of AWS's services. Those that several functions have are in `clients`."""

import random
from functools import cache
from typing import Any

from botocore.config import Config
from botocore.session import Session, get_session


@cache
def session() -> Session:
    """What all clients of the process share.

    botocore's own, which is what boto3 hands out: boto3 itself imports what it has for S3 files and
    for resources, multiprocessing among it, and nobody here uses any of that (ADR 70).
    """
    return get_session()


def client(service: str, config: Config) -> Any:
    """A new client of the service, which boto3's types describe."""
    # botocore draws the pauses between its attempts from the generator that all share. Its state is
    # in a snapshot: twins of SnapStart would all try again at the same moments.
    random.seed()
    return session().create_client(service, config=config)
