"""The lock files: complete, hashed, and free of addresses, so any index or mirror serves them."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYER = ROOT / "layers/common/requirements.txt"
DEV = ROOT / "requirements/dev.txt"
LOCKS = [LAYER, DEV, ROOT / "requirements/uv.txt", ROOT / "requirements/client.txt"]
PIN = re.compile(
    r"^([a-z0-9._-]+)==(\S+)(?: ; [^\\]+)? \\\n((?:    --hash=sha256:[0-9a-f]{64}.*\n)+)", re.M
)


def pins(lock: Path) -> dict[str, str]:
    return {name: version for name, version, _ in PIN.findall(lock.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(ROOT)))
def test_every_line_is_a_hashed_pin(lock: Path) -> None:
    rest = PIN.sub("", lock.read_text(encoding="utf-8"))
    assert pins(lock)
    assert all(line.lstrip().startswith("#") for line in rest.splitlines()), rest


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(ROOT)))
def test_no_address_and_no_path_of_a_machine(lock: Path) -> None:
    assert not re.search(r"://|--index|--find-links| @ |\s/\w", lock.read_text(encoding="utf-8"))


def test_the_layer_ships_what_was_tested() -> None:
    assert pins(LAYER).items() <= pins(DEV).items()


def test_the_layer_leaves_boto3_to_the_runtime() -> None:
    assert not pins(LAYER).keys() & {"boto3", "botocore", "s3transfer"}
