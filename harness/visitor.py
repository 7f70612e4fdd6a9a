"""A browser at the console's door: it keeps cookies, and follows the way to the identity provider
and back. API Gateway's form of a request has its cookies apart from its headers.
"""

import http.client
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from console.handler import Console
from harness.world import http_event
from opsknight.directory.sessions import COOKIE
from opsknight.http.gateway import respond

HOST = "oncall.example.com"
ADDRESS = f"https://{HOST}"
OWN = {"Host": HOST, "Sec-Fetch-Site": "same-origin"}


@dataclass(frozen=True)
class Told:
    status: int
    headers: Mapping[str, str]
    cookies: list[str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def cookie(self) -> str:
        """The secret of the session that it begins; empty for none."""
        pairs = (each.partition(";")[0].partition("=") for each in self.cookies)
        return next((value for name, _, value in pairs if name == COOKIE), "")

    @property
    def leads_to(self) -> str:
        return self.headers.get("Location", "")


@dataclass
class Visitor:
    console: Console
    jar: dict[str, str] = field(default_factory=dict)
    source: str = "192.0.2.7"
    """The IP address that it comes from."""

    def ask(
        self,
        address: str,
        method: str = "GET",
        headers: Mapping[str, str] = OWN,
        form: Mapping[str, str] | None = None,
    ) -> Told:
        path, _, query = address.removeprefix(ADDRESS).partition("?")
        sent: dict[str, Any] = http_event(
            urlencode(form) if form else "",
            path=path,
            method=method,
            headers=dict(headers),
            query=dict(parse_qsl(query, keep_blank_values=True)),
            source=self.source,
        )
        sent["cookies"] = [f"{name}={value}" for name, value in self.jar.items()]
        answer = respond(sent, lambda: self.console)
        body = answer["body"]
        content = b64decode(body) if answer.get("isBase64Encoded") else body.encode()
        told = Told(answer["statusCode"], answer["headers"], answer.get("cookies", []), content)
        for each in told.cookies:
            pair, _, attributes = each.partition(";")
            name, _, value = pair.partition("=")
            self.jar[name] = value
            if "Max-Age=0" in attributes:
                del self.jar[name]
        return told

    def back_from(self, there: str) -> str:
        """Where the identity provider leads whoever comes by this address."""
        parts = urlsplit(there)
        connection = http.client.HTTPConnection(parts.netloc, timeout=5)
        try:
            connection.request("GET", f"{parts.path}?{parts.query}")
            return connection.getresponse().getheader("Location") or ""
        finally:
            connection.close()

    def log_in(self, begin: str = "/auth/oidc") -> Told:
        """There and back."""
        there = self.ask(begin)
        assert there.status == 302, there.text
        return self.ask(self.back_from(there.leads_to))
