"""A skip that nobody listed turns a run red, however it came about."""

from pathlib import Path

import pytest

from tests import skips

pytest_plugins = ["pytester"]

WAYS_TO_BE_QUIET = {
    "mark": "@pytest.mark.skip(reason='later')\ndef test_it(): ...",
    "call": "def test_it(): pytest.skip('later')",
    "fixture": "@pytest.fixture\ndef it(): pytest.skip('later')\ndef test_it(it): ...",
    "module": "pytest.skip('later', allow_module_level=True)",
    "xfail": "@pytest.mark.xfail(reason='later')\ndef test_it(): assert False",
}


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run imports its plugins anew, which takes longer than all else; none is needed here."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


def run(pytester: pytest.Pytester, body: str, listed: str) -> pytest.RunResult:
    pytester.makepyfile(test_one=f"import pytest\n{body}\n", test_two="def test_loud(): ...")
    plugin = pytester.makepyfile(guard=Path(skips.__file__).read_text(encoding="utf-8"))
    plugin.with_name("skips.txt").write_text(listed, encoding="utf-8")
    pytester.syspathinsert()
    return pytester.runpytest_inprocess("-p", "guard", "-p", "no:cacheprovider")


@pytest.mark.parametrize("body", WAYS_TO_BE_QUIET.values(), ids=WAYS_TO_BE_QUIET.keys())
def test_unlisted_fails(pytester: pytest.Pytester, body: str) -> None:
    result = run(pytester, body, "# nothing\n")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines("skipped (NOT LISTED in tests/skips.txt): test_one.py*: *later*")


@pytest.mark.parametrize("body", WAYS_TO_BE_QUIET.values(), ids=WAYS_TO_BE_QUIET.keys())
def test_listed_passes(pytester: pytest.Pytester, body: str) -> None:
    result = run(pytester, body, "test_one.py* -- wait for it\n")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines("skipped (listed): test_one.py*: *later*")


def test_a_reason_is_owed() -> None:
    with pytest.raises(ValueError, match=r"no reason given in skips.txt: tests/unit/test_it.py"):
        list(skips.listed("tests/unit/test_it.py --\n"))
