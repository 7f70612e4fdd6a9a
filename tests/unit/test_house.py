"""Rules of style that no tool holds: how long a module may be, and that none has banners."""

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
ROOMS: Final = ("functions", "layers", "cli", "local", "inbox", "openapi", "harness", "bench")
MODULES: Final = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
LONGEST: Final = 300
# A rule of dashes or the like in a comment: a module that needs one is two.
BANNER: Final = re.compile(r"^\s*#.*([-=#*~_])\1{4}", re.MULTILINE)


def test_modules_are_found_in_every_room() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in MODULES} == set(ROOMS)


def test_no_module_is_longer_than_300_lines() -> None:
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    long = {str(path.relative_to(ROOT)): n for path, n in lines.items() if n > LONGEST}
    assert not long, "split them by subject"


def test_no_module_has_banners() -> None:
    found = [path for path in MODULES if BANNER.search(path.read_text(encoding="utf-8"))]
    assert not found


@pytest.mark.parametrize(
    "banner", ["# ------ Sending ------", "#######", "    # ===== Reading ====="]
)
def test_a_banner_is_seen(banner: str) -> None:
    assert BANNER.search(f"x = 1\n{banner}\n")


def test_every_picture_is_in_a_folder_of_make_screens() -> None:
    """`make test` leaves them out wherever they are; `make screens` names its folders."""
    run = set(re.findall(r"-m screens (\S+?);? ", (ROOT / "Makefile").read_text()))
    marked = {
        str(path.parent.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("*.py")
        if re.search(r"^\s*(?:@|pytestmark = .*)pytest\.mark\.screens", path.read_text(), re.M)
    }
    assert marked == run
