"""Whoever trusts the OpenAPI description gets no surprise: schemathesis makes requests of it, right
ones and wrong ones, with a Bearer key, and judges every answer by it.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.desk import Desk
from harness.web_front import serving
from harness.world import World
from opsknight.directory.entries import SCOPES
from opsknight.incident.model import Status
from tests.integration.steps import incident_in

ST = str(Path(sys.executable).with_name("st"))
# Two things that ours does on purpose: null and an empty parameter count as absent; and what no
# schema can say (a time before another, a user who does not exist) is a 400.
NOT_JUDGED = "negative_data_rejection,positive_data_acceptance"
# After so many requests a minute goes by: each key may send 120.
PER_MINUTE = 100


@pytest.fixture
def api(world: World) -> Iterator[tuple[str, str]]:
    """The address of both functions, and a key with every scope."""
    desk, count = Desk(world), 0
    incident_in(world, Status.OPEN)
    desk.configured(services=[world.service.id], users=["user_ada", "user_ben"], teams=["team_web"])

    def answered(event: Mapping[str, Any]) -> Mapping[str, Any]:
        nonlocal count
        count += 1
        if count % PER_MINUTE == 0:
            world.clock.advance(minutes=1)
        path = event["rawPath"]
        if not path.startswith("/api/") or path == "/api/events":
            return world.gateway(event)
        answer = desk.send(event)
        return {"statusCode": answer.status, "headers": answer.headers, "body": answer.text}

    with serving(world, answered=answered) as url:
        yield url, desk.key("ada", *SCOPES)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_every_answer_is_as_the_description_says(
    api: tuple[str, str], full_size: bool, tmp_path: Path
) -> None:
    url, key = api
    size = ["--max-examples=100"] if full_size else ["--phases=fuzzing", "--max-examples=3"]
    run = [ST, "run", f"{url}/openapi.json", "--header", f"Authorization: Bearer {key}"]
    run += ["--checks=all", f"--exclude-checks={NOT_JUDGED}", "--seed=1", "--no-color", *size]
    done = subprocess.run(run, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout[-8000:]
    assert "passed" in done.stdout
