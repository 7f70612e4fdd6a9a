"""The identity provider that people log in to the console by, as the doctor finds it."""

import json
from collections.abc import Iterable
from typing import Any

import urllib3

from opsknight.health.findings import Finding, failed, ok, unchecked
from opsknight_cli.configuration import parameters
from opsknight_cli.doctor.deployed import Deployed


def login(deployed: Deployed) -> Iterable[Finding]:
    """Nothing is said of a deployment without a provider."""
    issuer = deployed.parameters.get("OidcIssuer", "")
    if not issuer:
        return
    name = deployed.parameters.get("OidcSecretName", "")
    if name and name not in parameters.types(deployed.client, [name]):
        said = f"SSM has no parameter {name}: nobody can log in to the console by {issuer}."
        mend = f"aws ssm put-parameter --type SecureString --name {name} --value ..."
        yield failed("login", said, mend)
        return
    found = _description(issuer, deployed.patience / 2)
    if found is None:
        yield unchecked("login", f"{issuer} did not describe itself from here.")
    elif found.get("issuer") != issuer:
        said = f"The provider at {issuer} has another name: nobody can log in by it."
        named = found.get("issuer")
        yield failed("login", said, f"Deploy with OidcIssuer {named!s:.200}, if that is it.")
    else:
        yield ok("login", f"{issuer} describes itself as the console expects.")


def _description(issuer: str, patience: float) -> dict[str, Any] | None:
    address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    try:
        answer = urllib3.request("GET", address, timeout=patience, retries=False)
        found = json.loads(answer.data) if answer.status == 200 else None
    except (urllib3.exceptions.HTTPError, ValueError):
        return None
    return found if isinstance(found, dict) else None
