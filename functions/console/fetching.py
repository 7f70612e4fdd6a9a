"""HTTP calls to the identity provider: bounded in time and size, by https, and following no
redirect.
"""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final

import urllib3
from urllib3.exceptions import HTTPError

from opsknight.classes import dataclass
from opsknight.runtime.addresses import NotAllowed, Reach, read

LARGEST: Final = 256 * 1024
TOTAL_SECONDS: Final = 6.0


class ProviderFailed(Exception):
    """It did not answer, or not with what it should. The text holds no secret."""


# An error of OAuth 2.0 (RFC 6749, 5.2) has a code: an operator needs that, and no more.
_CODE: Final = re.compile(rb'"error"\s*:\s*"([a-z_]{1,40})"')


@dataclass(frozen=True, slots=True)
class Fetching:
    reach: Reach = Reach.PUBLIC
    pool: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=2, read=4), retries=False, maxsize=2
        )
    )

    def check(self, url: str) -> None:
        """Raises ProviderFailed for an address that is none to send anybody to."""
        try:
            read(url, self.reach)
        except NotAllowed as error:
            raise ProviderFailed(f"an address of the provider's: {error}") from None

    def document(
        self, method: str, url: str, headers: Mapping[str, str], body: str | None = None
    ) -> dict[str, Any]:
        """The JSON object that it answers with. Raises ProviderFailed."""
        until = time.monotonic() + TOTAL_SECONDS
        self.check(url)
        try:
            answer = self.pool.request(
                method,
                url,
                body=body,
                headers={"Accept": "application/json", **headers},
                redirect=False,
                preload_content=False,
            )
        except (HTTPError, OSError) as error:
            raise ProviderFailed(type(error).__name__) from None
        try:
            content = b""
            while part := answer.read(16 * 1024):
                content += part
                if len(content) > LARGEST or time.monotonic() > until:
                    raise ProviderFailed("an answer without an end")
            if answer.status != 200:
                raise ProviderFailed(f"answered {answer.status}{_code(content)}")
            found = json.loads(content)
        except (HTTPError, OSError) as error:
            raise ProviderFailed(type(error).__name__) from None
        except (ValueError, RecursionError):
            raise ProviderFailed("not JSON") from None
        finally:
            answer.close()
        if not isinstance(found, dict):
            raise ProviderFailed("not a JSON object")
        return found


def _code(content: bytes) -> str:
    found = _CODE.search(content)
    return f" {found[1].decode()}" if found else ""
