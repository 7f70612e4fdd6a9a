"""The configuration that `make run` starts with: an example file, its secrets, and first keys."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import boto3

from local.deployment import STACK
from local.ministack import REGION
from local.programs import ROOT, Programs
from opsknight.directory.entries import SCOPES
from opsknight.directory.secret_names import own_prefix

EXAMPLE = ROOT / "examples" / "realistic.yaml"
# Named in the example. They are worth nothing elsewhere.
SECRETS = {
    "slack-token": "xoxb-the-inbox-takes-any",
    "pushover": "a" * 30,
    "audit-signature": "what the audit's webhook is signed with",
    "status-page": "what the status page's webhook is signed with",
}
# The inbox takes any of this form.
TWILIO_TOKEN = "0123456789abcdef" * 2
# The service, its integration and the user that the first keys belong to.
_SERVICE, _INTEGRATION, _USER = "checkout", "prometheus", "ada"


@dataclass(frozen=True)
class FirstService:
    """A service of the example, with its keys: OpsKnight shows a key only when it creates it."""

    service_id: str
    integration_key: str
    api_key: str


def console_path(programs: Programs, first: FirstService | None) -> str:
    """Logs the demo's user in to the console, once, within ten minutes: as the first administrator
    where nothing is configured.
    """
    whom = ("--user", _USER) if first else ("--first", f"{_USER}@example.com")
    link: str = _opsknight(programs, "login", *whom)["url"]
    programs.log_path("opsknight").unlink()
    return urlsplit(link).path


def keep_secrets(endpoint: str) -> None:
    """Stores the example's secrets as an operator would, as parameters in SSM."""
    ssm = boto3.client("ssm", endpoint_url=endpoint)
    for name, value in SECRETS.items():
        ssm.put_parameter(
            Name=own_prefix(STACK) + name, Value=value, Type="SecureString", Overwrite=True
        )
    ssm.put_parameter(
        Name="/opsknight/twilio-auth-token",
        Value=TWILIO_TOKEN,
        Type="SecureString",
        Overwrite=True,
    )


def configure(programs: Programs) -> FirstService:
    """Runs the commands that an operator runs after a deploy to AWS."""
    _opsknight(programs, "apply", str(EXAMPLE), "--yes")
    of_service = _opsknight(
        programs, "keys", "create", "--service", _SERVICE, "--integration", _INTEGRATION
    )
    # All scopes, so that the examples of docs/http-api.md work.
    scopes = [word for scope in SCOPES for word in ("--scope", scope)]
    of_user = _opsknight(programs, "keys", "create", "--user", _USER, "--name", "Demo", *scopes)
    # The log holds the keys. They are kept only in the settings file, which goes with `make run`.
    programs.log_path("opsknight").unlink()
    return FirstService(of_service["serviceId"], of_service["secret"], of_user["secret"])


def _opsknight(programs: Programs, *words: str) -> Any:
    """Runs a command of `opsknight` and returns its JSON."""
    target = ["--stack", STACK, "--region", REGION, "--json"]
    return json.loads(programs.run("opsknight", ["opsknight", *words, *target]))
