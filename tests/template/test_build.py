"""`sam build` as somebody meets it who has set up nothing, and what the layer holds for whom."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.dynamodb import template

ROOT = Path(__file__).parents[2]
ARM, INTEL = "aarch64-manylinux2014", "x86_64-manylinux2014"
# Stands for uv, which would fetch: makes the native modules that a test gives each platform.
UV = """#!/bin/sh
while [ $# -gt 0 ]; do
    case $1 in
        --python-platform) platform=$2 ;;
        --target) target=$2 ;;
    esac
    shift
done
mkdir -p "$target/core"
echo > "$target/core/__init__.py"
for native in $(cat "$WHEELS/$platform"); do echo > "$target/core/$native"; done
"""


def test_without_setup_a_build_says_what_to_do(tmp_path: Path) -> None:
    for name in ("make", "sh"):
        found = shutil.which(name)
        assert found is not None
        (tmp_path / name).symlink_to(found)
    said = subprocess.run(
        ["make", "-C", ROOT / "layers/common", "build-CommonLayer", f"ARTIFACTS_DIR={tmp_path}"],
        env={"PATH": str(tmp_path), "LANG": os.environ.get("LANG", "C")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode != 0
    assert said.stderr.splitlines()[:2] == [
        "The layer is built with uv and python3.13: run 'make setup', then '. .venv/bin/activate', "
        "then this again.",
        "AWS's container has no uv: leave out --use-container.",
    ]


def built(tmp_path: Path, wheels: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """`wheels`: the native modules in the wheels of each platform, with spaces between them."""
    tools, given = tmp_path / "tools", tmp_path / "wheels"
    tools.mkdir()
    given.mkdir()
    (tools / "uv").write_text(UV)
    (tools / "uv").chmod(0o755)
    for platform, modules in wheels.items():
        (given / platform).write_text(modules)
    return subprocess.run(
        ["make", "-C", ROOT / "layers/common", "build-CommonLayer", f"ARTIFACTS_DIR={tmp_path}"],
        env=os.environ | {"PATH": f"{tools}:{os.environ['PATH']}", "WHEELS": str(given)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_one_layer_serves_both_architectures(tmp_path: Path) -> None:
    said = built(tmp_path, {ARM: "_c.cpython-313-aarch64.so", INTEL: "_c.cpython-313-x86_64.so"})
    assert said.returncode == 0, said.stderr
    found = {each.name for each in (tmp_path / "python/core").glob("*.so")}
    assert found == {"_c.cpython-313-aarch64.so", "_c.cpython-313-x86_64.so"}
    assert {each.name for each in tmp_path.iterdir()} == {"python", "tools", "wheels"}
    layer = template()["Resources"]["CommonLayer"]["Properties"]
    architectures = template()["Parameters"]["Architecture"]["AllowedValues"]
    assert sorted(layer["CompatibleArchitectures"]) == sorted(architectures)


@pytest.mark.parametrize(
    ("wheels", "why"),
    [
        ({ARM: "_c.abi3.so", INTEL: "_c.abi3.so"}, "is there for another platform already"),
        ({ARM: "_c.cpython-313-aarch64.so", INTEL: ""}, "is not there for each of"),
    ],
)
def test_a_layer_that_would_fail_on_one_architecture_is_not_built(
    tmp_path: Path, wheels: dict[str, str], why: str
) -> None:
    said = built(tmp_path, wheels)
    assert said.returncode != 0
    assert why in said.stderr
