"""A guard's fork forgets what its patch changed, and what was built on it; nothing else."""

import sys
from importlib import import_module, invalidate_caches
from pathlib import Path

import pytest

from tests.guards.forking import forget

FILES = {
    "functions/shop/__init__.py": "",
    "functions/shop/prices.py": "PRICE = 1\n",
    "functions/shop/basket.py": "from shop.prices import (\n    PRICE,\n)\n\nTOTAL = 2 * PRICE\n",
    "functions/shop/till.py": "from shop import basket\n\nSHOWN = basket.TOTAL\n",
    "functions/shop/door.py": "OPEN = True\n",
}
MODULES = ("shop.prices", "shop.basket", "shop.till", "shop.door")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path / "functions"))
    for name in ("shop", *MODULES):
        monkeypatch.delitem(sys.modules, name, raising=False)
    # Two texts of one second and size would have the same bytecode.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    invalidate_caches()
    for name in MODULES:
        import_module(name)
    return tmp_path


def test_what_was_built_on_a_change_is_built_anew(tree: Path) -> None:
    door = sys.modules["shop.door"]
    (tree / "functions/shop/prices.py").write_text("PRICE = 7\n")
    forget(["functions/shop/prices.py"])
    assert import_module("shop.till").SHOWN == 14
    assert import_module("shop.door") is door


def test_a_change_that_nothing_is_built_on_changes_nothing_else(tree: Path) -> None:
    known = {name: sys.modules[name] for name in MODULES if name != "shop.till"}
    forget(["functions/shop/till.py"])
    assert "shop.till" not in sys.modules
    assert {name: sys.modules[name] for name in known} == known


def test_anybody_may_have_read_a_file_that_is_no_module(tree: Path) -> None:
    forget(["template.yaml"])
    assert not sys.modules.keys() & set(MODULES)
