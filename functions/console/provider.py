"""The deployment's identity provider as an OpenID Connect client sees it: where to send people, and
who came back with a code.

The client is this function (a backend for the browser, RFC 9700 and the OAuth advice for
browser-based apps): no token ever reaches a page.
"""

from base64 import b64encode
from dataclasses import field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit

from console import id_token
from console.attempts import Attempt, Kind
from console.fetching import Fetching, ProviderFailed
from console.id_token import Asked, Untrusted
from opsknight.classes import dataclass
from opsknight.directory.sessions import Identity
from opsknight.runtime.identity_provider import IdentityProvider
from opsknight.runtime.ssm_secrets import SecretReader

REMEMBERED: Final = timedelta(hours=1)
SCOPE: Final = "openid email profile"


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody whom the provider knows."""

    identity: Identity
    email: str | None
    """None where the provider gives no address, or does not vouch for it."""
    authenticated_at: datetime | None


@dataclass(slots=True)
class Provider:
    settings: IdentityProvider
    secrets: SecretReader
    fetching: Fetching = field(default_factory=Fetching)
    _document: tuple[datetime, dict[str, Any]] | None = None

    @property
    def host(self) -> str:
        """As people know it."""
        return urlsplit(self.settings.issuer).netloc

    def authorization(self, attempt: Attempt, now: datetime) -> str:
        """The address that begins a login there. Raises ProviderFailed."""
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self.settings.redirect_uri,
            "scope": SCOPE,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        match attempt.kind:
            case Kind.RENEWAL:
                asked["prompt"] = "none"
            case Kind.ANEW:
                # Not every provider knows both; whether it did ask is seen by `auth_time`.
                asked |= {"prompt": "login", "max_age": "0"}
            case Kind.LOGIN:
                pass
        where = self._endpoint("authorization_endpoint", now)
        return f"{where}{'&' if '?' in where else '?'}{urlencode(asked)}"

    def redeem(self, code: str, attempt: Attempt, now: datetime) -> Known:
        """Who came back. Raises ProviderFailed, Untrusted, SecretsUnavailable."""
        tokens = self._tokens(code, attempt, now)
        given = tokens.get("id_token")
        if not isinstance(given, str):
            raise ProviderFailed("no ID token")
        issuer, client = self.settings.issuer, self.settings.client_id
        anew = attempt.kind is Kind.ANEW
        claims = id_token.read(given, Asked(issuer, client, attempt.nonce, attempt.at, anew), now)
        said = claims.others
        if "email" not in said and "userinfo_endpoint" in self._discovered(now):
            said = self._user_info(tokens, claims.subject, now)
        email = id_token.email(said, trusted=self.settings.trusts_email)
        identity = Identity(issuer=issuer, subject=claims.subject)
        return Known(identity, email, claims.authenticated_at)

    def _tokens(self, code: str, attempt: Attempt, now: datetime) -> dict[str, Any]:
        client = self.settings.client_id
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.settings.redirect_uri,
            "code_verifier": attempt.verifier,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        secret = self._secret(now)
        ways = self._discovered(now).get("token_endpoint_auth_methods_supported")
        if secret is None:
            form["client_id"] = client
        elif isinstance(ways, list) and "client_secret_basic" not in ways:
            form |= {"client_id": client, "client_secret": secret}
        else:
            # RFC 6749, 2.3.1: both parts are encoded as in a form.
            pair = f"{quote_plus(client)}:{quote_plus(secret)}".encode()
            headers["Authorization"] = f"Basic {b64encode(pair).decode()}"
        where = self._endpoint("token_endpoint", now)
        return self.fetching.document("POST", where, headers, urlencode(form))

    def _secret(self, now: datetime) -> str | None:
        if not self.settings.secret_name:
            return None
        found = self.secrets.read(self.settings.secret_name, now)
        if not found:
            raise ProviderFailed(f"the parameter {self.settings.secret_name} is not there")
        return found

    def _user_info(self, tokens: dict[str, Any], subject: str, now: datetime) -> dict[str, Any]:
        """For a provider that keeps addresses out of its ID tokens."""
        headers = {"Authorization": f"Bearer {tokens.get('access_token')}"}
        where = self._endpoint("userinfo_endpoint", now)
        found = self.fetching.document("GET", where, headers)
        # Core, 5.3.2: an access token that was swapped for another one shows by this alone.
        if found.get("sub") != subject:
            raise Untrusted("beside what the provider says of somebody else")
        return found

    def _endpoint(self, name: str, now: datetime) -> str:
        found = self._discovered(now).get(name)
        if not isinstance(found, str):
            raise ProviderFailed(f"no {name} in its description")
        self.fetching.check(found)
        return found

    def _discovered(self, now: datetime) -> dict[str, Any]:
        if self._document and timedelta(0) <= now - self._document[0] < REMEMBERED:
            return self._document[1]
        issuer = self.settings.issuer
        where = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        found = self.fetching.document("GET", where, {})
        # Discovery 1.0, 4.3. Entra's address for all tenants names none here, and is none.
        if found.get("issuer") != issuer:
            raise ProviderFailed("its description is of another issuer")
        self._document = now, found
        return found
