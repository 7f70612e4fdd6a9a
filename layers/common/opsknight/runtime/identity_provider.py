"""The identity provider that people log in to the console by, where the deployment has one.

CloudFormation writes it into an SSM parameter, as it does the account at Twilio.
"""

import json

from opsknight.classes import dataclass


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    issuer: str
    client_id: str
    secret_name: str
    """Name of the SSM SecureString with the client's secret; empty for a client without one."""
    trusts_email: bool
    """Whether its e-mail addresses are right although it does not say that it verified them."""
    url: str
    """The address of the console, without a slash at the end."""

    @property
    def redirect_uri(self) -> str:
        return f"{self.url}/auth/callback"


def read_provider(text: str) -> IdentityProvider | None:
    """None for anything but what template.yaml writes."""
    try:
        found = json.loads(text)
        names = ("issuer", "client", "secret", "trusts_email", "url")
        issuer, client, secret, trusts, url = (found[name] for name in names)
    except (ValueError, KeyError, TypeError):
        return None
    if not all(isinstance(each, str) for each in (issuer, client, secret, trusts, url)):
        return None
    return IdentityProvider(issuer, client, secret, trusts == "true", url.rstrip("/"))
