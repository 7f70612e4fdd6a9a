"""An identity provider that is a real HTTP server on this machine, as strict with its client as the
standards allow it to be; and what it says can be twisted.
"""

import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

CLIENT, SECRET = "opsknight", "client secret/%+"

type Claims = dict[str, Any]


@dataclass
class Code:
    asked: dict[str, str]
    at: datetime


@dataclass
class IdentityProvider:
    clock: Callable[[], datetime]
    url: str = ""
    email: str = "ada@example.com"
    subject: str = "subject-of-ada"
    logged_in_at: datetime | None = None
    """None while it would have to ask."""
    says_when: bool = True
    """Whether its tokens have `auth_time`."""
    twist: Callable[[Claims], Claims] = lambda claims: claims
    """What becomes of the claims of its tokens."""
    described: Claims = field(default_factory=dict)
    """Beside or in place of what its description says."""
    person: Claims = field(default_factory=dict)
    """What its userinfo endpoint says, where it has one."""
    broken: int = 0
    """The status of all its answers, if not 0."""
    seen: list[dict[str, str]] = field(default_factory=list)
    """The queries of all who were sent there."""
    refused: list[str] = field(default_factory=list)
    """Why its token endpoint refused the client."""
    _codes: dict[str, Code] = field(default_factory=dict)

    def description(self) -> Claims:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            **({"userinfo_endpoint": f"{self.url}/userinfo"} if self.person else {}),
            **self.described,
        }

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the browser goes on to."""
        self.seen.append(asked)
        known = self.logged_in_at is not None
        if asked.get("prompt") == "none" and not known:
            given = {"error": "login_required"}
        else:
            if not known or asked.get("prompt") == "login" or asked.get("max_age") == "0":
                self.logged_in_at = self.clock()
            code = token_urlsafe(16)
            self._codes[code] = Code(asked, self.clock())
            given = {"code": code, "iss": self.url}
        return f"{asked['redirect_uri']}?{urlencode(given | {'state': asked['state']})}"

    def redeem(self, form: dict[str, str], authorization: str) -> Claims | None:
        """None for a client that does something wrong."""
        code = self._codes.pop(form.get("code", ""), None)
        kind, _, pair = authorization.partition(" ")
        client, _, secret = b64decode(pair).decode().partition(":")
        given = (unquote_plus(client), unquote_plus(secret))
        if kind != "Basic":
            given = form.get("client_id", ""), form.get("client_secret", "")
        wrong = {
            "unknown code": code is None,
            "client": given != (CLIENT, SECRET),
            "grant": form.get("grant_type") != "authorization_code",
        }
        if code is not None:
            digest = sha256(form.get("code_verifier", "").encode()).digest()
            made = urlsafe_b64encode(digest).decode().rstrip("=")
            wrong |= {
                "verifier": made != code.asked.get("code_challenge"),
                "redirect": form.get("redirect_uri") != code.asked.get("redirect_uri"),
                "late": self.clock() - code.at > timedelta(minutes=1),
            }
        self.refused += [name for name, is_wrong in wrong.items() if is_wrong]
        if code is None or any(wrong.values()):
            return None
        return {"id_token": self.token(code), "access_token": "access", "token_type": "Bearer"}

    def token(self, code: Code) -> str:
        now = int(self.clock().timestamp())
        claims: Claims = {
            "iss": self.url,
            "sub": self.subject,
            "aud": CLIENT,
            "exp": now + 300,
            "iat": now,
            "nonce": code.asked["nonce"],
            "email": self.email,
            "email_verified": True,
        }
        if self.says_when and self.logged_in_at is not None:
            claims["auth_time"] = int(self.logged_in_at.timestamp())
        parts = ({"alg": "RS256"}, self.twist(claims))
        encoded = [
            urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in parts
        ]
        return ".".join([*encoded, "signature"])

    def settings(self, address: str, *, trusts_email: bool = False, secret: str = "") -> str:
        """The SSM parameter as the template writes it."""
        written = {
            "issuer": self.url,
            "client": CLIENT,
            "secret": secret,
            "trusts_email": str(trusts_email).lower(),
            "url": address,
        }
        return json.dumps(written)


@contextmanager
def identity_provider(clock: Callable[[], datetime]) -> Iterator[IdentityProvider]:
    """Serves while the `with` lasts."""
    found = IdentityProvider(clock)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if found.broken:
                self._say(found.broken, {"error": "server_error"})
                return
            match parts.path:
                case "/.well-known/openid-configuration":
                    self._say(200, found.description())
                case "/authorize":
                    asked = {name: value for name, [value] in parse_qs(parts.query).items()}
                    self._say(302, {}, found.authorize(asked))
                case "/userinfo":
                    bearer = self.headers.get("Authorization") == "Bearer access"
                    self._say(200 if bearer else 401, found.person)
                case _:
                    self._say(404, {})

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            form = {name: value for name, [value] in parse_qs(sent).items()}
            tokens = found.redeem(form, self.headers.get("Authorization", ""))
            if tokens is None:
                self._say(400, {"error": "invalid_grant"})
            else:
                self._say(200, tokens)

        def _say(self, status: int, body: Claims, location: str = "") -> None:
            content = json.dumps(body).encode()
            with suppress(ConnectionError):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                if location:
                    self.send_header("Location", location)
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        found.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()
