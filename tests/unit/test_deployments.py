"""Where the command line finds the local deployment of `make run`."""

from pathlib import Path

import pytest

from opsknight_cli.deployments import find, local_settings, reach
from opsknight_cli.session import NotFound, Where

EXPORTED = {
    "OPSKNIGHT_URL": "http://127.0.0.1:8080",
    "OPSKNIGHT_AWS_ENDPOINT": "http://127.0.0.1:9",
    "OPSKNIGHT_AWS_REGION": "us-east-1",
    "OPSKNIGHT_AWS_STACK": "opsknight-local",
}


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in EXPORTED:
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def export(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in EXPORTED.items():
        monkeypatch.setenv(name, value)


def test_it_is_found_from_any_folder_by_what_the_shell_exports(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert local_settings() == {}
    export(monkeypatch)
    account = reach(Where())
    assert (account.name, account.stack) == ("the local deployment", "opsknight-local")


def test_the_file_of_a_folder_is_newer_than_the_shell(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(monkeypatch)
    file = elsewhere / ".local" / "opsknight.env"
    file.parent.mkdir()
    file.write_text("export OPSKNIGHT_AWS_STACK=another\n")
    assert local_settings() == {"OPSKNIGHT_AWS_STACK": "another"}


def test_an_option_is_stronger_than_what_is_exported(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(monkeypatch)
    assert reach(Where(stack="mine", region="eu-west-1")).name == "stack mine"


def test_what_is_exported_and_gone_says_what_to_do(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(monkeypatch)
    with pytest.raises(NotFound, match=r"start it again.*unset OPSKNIGHT_AWS_ENDPOINT"):
        find(Where())


def test_without_a_region_it_says_how_to_reach_the_local_one(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(elsewhere / "none"))
    with pytest.raises(NotFound, match=r"--region.*\. \.local/opsknight\.env"):
        reach(Where())
