"""The configuration over HTTP, by the deployed function, which alone has what reads YAML."""

from pathlib import Path
from typing import Any

import pytest
import requests

from local.demo import EXAMPLE
from local.stack import Running
from tests.e2e.commands import opsknight

pytestmark = [pytest.mark.system]


def asked(deployed: Running, method: str, route: str, body: object = None) -> Any:
    answer = requests.request(
        method,
        f"{deployed.url}/api/configuration/{route}",
        json=body,
        headers={"Authorization": f"Bearer {deployed.service.api_key}"},
        timeout=60,
    )
    return answer.json() | {"code_of_http": answer.status_code}


def test_a_text_is_checked_planned_and_applied_by_the_deployed_function(
    deployed: Running, here: Path
) -> None:
    before = asked(deployed, "GET", "text")
    assert before["owner"]["by"] == "file"
    wrong = asked(deployed, "POST", "validate", {"text": "users:\n  ada: {email: ada}\n"})
    assert {each["line"] for each in wrong["problems"]} == {2}
    text = before["text"].replace("Nightly runs", "Runs")
    plan = asked(deployed, "POST", "plan", {"text": text})
    [change] = plan["changes"]
    assert change["differences"] == [{"path": "name", "before": "Nightly runs", "after": "Runs"}]
    body = {"text": text, "revision": plan["revision"]}
    refused = asked(deployed, "POST", "apply", body)
    assert (refused["code_of_http"], refused["error"]) == (409, "Owned elsewhere")
    applied = asked(deployed, "POST", "apply", body | {"takeOver": True})
    assert applied["revision"] == plan["revision"] + 1
    # The other tests find it as it was.
    assert "console owns" in opsknight(here, "apply", EXAMPLE, "--yes", code=1).stderr
    opsknight(here, "apply", EXAMPLE, "--yes", "--take-over")
    newest = asked(deployed, "GET", "revisions")["revisions"]
    assert [each["tookOver"] for each in newest[:2]] == [True, True]
