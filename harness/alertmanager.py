"""Debian's Alertmanager itself, as one more client: it groups, waits, repeats and tries again as it
does for its users.
"""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

# Debian's name, and that of the project's own release.
PROGRAMS: Final = ("prometheus-alertmanager", "alertmanager")
_STARTS_WITHIN: Final = 30.0


def program() -> str | None:
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


def must_be_here() -> bool:
    """CI installs it: there it is no reason to skip anything."""
    return bool(os.environ.get("CI"))


@dataclass(frozen=True)
class Alertmanager:
    address: str

    def fires(self, *alerts: Mapping[str, str]) -> None:
        """Alerts with these labels fire from now on. A label `summary` is the annotation."""
        self._post(alerts, None)

    def ends(self, *alerts: Mapping[str, str]) -> None:
        self._post(alerts, datetime.now(UTC) - timedelta(milliseconds=10))

    def _post(self, alerts: tuple[Mapping[str, str], ...], end: datetime | None) -> None:
        now = datetime.now(UTC)
        body = [
            {
                "labels": dict(labels),
                "annotations": {"summary": f"{labels['alertname']} is broken"},
                "endsAt": (end or now + timedelta(hours=1)).isoformat(),
            }
            for labels in alerts
        ]
        _request(self.address, "/api/v2/alerts", body)


def _request(address: str, path: str, body: object = None) -> None:
    with closing(HTTPConnection(address, timeout=10)) as connection:
        method = "GET" if body is None else "POST"
        headers = {"Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        if connection.getresponse().status != 200:
            raise OSError(f"{method} {path} is refused")


def free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def running(folder: Path, config: Mapping[str, Any]) -> Iterator[Alertmanager]:
    """JSON is YAML."""
    name = program()
    assert name is not None
    file = folder / "alertmanager.yml"
    file.write_text(json.dumps(config))
    address = f"127.0.0.1:{free_port()}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                name,
                f"--config.file={file}",
                f"--storage.path={folder / 'data'}",
                f"--web.listen-address={address}",
                "--cluster.listen-address=",
            ],
            stdout=log,
            stderr=log,
        )
    found = Alertmanager(address)
    try:
        _wait_until_ready(found, process, folder / "log")
        yield found
    finally:
        process.kill()
        process.wait()


def _wait_until_ready(found: Alertmanager, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + _STARTS_WITHIN
    while True:
        try:
            _request(found.address, "/-/ready")
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(log.read_text()[-2000:]) from None
            time.sleep(0.05)
        else:
            return
