"""Every program in docs/events-api.md, run as it stands against the deployed template."""

import re
import shutil
import sys
from pathlib import Path

import pytest

from local.programs import ROOT
from local.stack import Running
from tests.e2e.programs import run

pytestmark = pytest.mark.system

DOCUMENT = (ROOT / "docs" / "events-api.md").read_text(encoding="utf-8")


def program(language: str) -> str:
    """The one block of the page in this language; a page that has none, or more, fails."""
    [found] = re.findall(rf"^```{language}\n(.+?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture
def settings(deployed: Running) -> dict[str, str]:
    key = deployed.service.integration_key
    return {"OPSKNIGHT_URL": deployed.url, "OPSKNIGHT_INTEGRATION_KEY": key}


def test_curl(settings: dict[str, str], tmp_path: Path) -> None:
    bash = shutil.which("bash") or "bash"
    printed = run([bash, "-ec", program("sh")], tmp_path, **settings)
    assert '"action":"triggered"' in printed


def test_python(settings: dict[str, str], tmp_path: Path) -> None:
    printed = run([sys.executable, "-c", program("python")], tmp_path, **settings)
    assert re.findall(r"'action': '(\w+)'", printed) == ["triggered", "acknowledged", "resolved"]


def test_node(settings: dict[str, str], tmp_path: Path) -> None:
    node = shutil.which("node")
    assert node is not None, "Install node, as .ci/run does."
    (tmp_path / "send.mjs").write_text(program("javascript"))
    printed = run([node, "send.mjs"], tmp_path, **settings)
    assert re.findall(r"action: '(\w+)'", printed) == ["triggered", "resolved"]
