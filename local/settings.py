"""The files that describe a running `make run` to shells, to `opsknight` and to `sam local`."""

import json
import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from local.deployment import STACK
from local.ministack import REGION
from local.ports import HOST
from local.stack import Running

SHELL_FILE = "opsknight.env"
_SAM_FILE = "sam-local.json"


def settings_of(up: Running) -> dict[str, str]:
    """The variables for other programs, `opsknight` among them."""
    keys = up.first and {
        "OPSKNIGHT_INTEGRATION_KEY": up.first.integration_key,
        "OPSKNIGHT_API_KEY": up.first.api_key,
        "OPSKNIGHT_SERVICE_ID": up.first.service_id,
    }
    return {
        "OPSKNIGHT_URL": up.url,
        "OPSKNIGHT_INBOX_URL": up.inbox.url,
        **(keys or {}),
        # `opsknight` finds this deployment by these three when no option names another one.
        "OPSKNIGHT_AWS_ENDPOINT": up.endpoint,
        "OPSKNIGHT_AWS_REGION": REGION,
        "OPSKNIGHT_AWS_STACK": STACK,
    }


def exports(values: Mapping[str, str]) -> str:
    """The variables as lines for a shell."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())


@contextmanager
def settings_files(folder: Path, up: Running) -> Iterator[None]:
    """Each file is there only while the `with` lasts, and never in part."""
    variables = {
        # The name of this machine inside a container (samconfig.toml makes Docker know it).
        "AWS_ENDPOINT_URL": up.endpoint.replace(HOST, "host.docker.internal"),
        "TABLE_NAME": up.outputs["TableName"],
        "RATES_TABLE_NAME": up.outputs["RatesTableName"],
    }
    try:
        _write(folder / _SAM_FILE, json.dumps({"Parameters": variables}))
        _write(folder / SHELL_FILE, exports(settings_of(up)))
        yield
    finally:
        remove_settings(folder)


def remove_settings(folder: Path) -> None:
    for name in (SHELL_FILE, _SAM_FILE):
        (folder / name).unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)
