"""No test goes quiet unnoticed: a skip or expected failure not listed in skips.txt fails the run.

A pytest plugin, on in every run. Not for conditions of tests: those stand beside the test.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

LISTED = Path(__file__).with_name("skips.txt")


def listed(text: str) -> Iterator[tuple[str, str]]:
    """Yields (pattern of test ids, reason); raises ValueError for a line that has no reason."""
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        pattern, _, reason = (part.strip() for part in line.partition(" -- "))
        if not pattern or not reason:
            raise ValueError(f"no reason given in {LISTED.name}: {line}")
        yield pattern, reason


class SkipGuard:
    """Collects what was skipped and fails the passing run that skipped something unlisted."""

    def __init__(self, patterns: list[str]) -> None:
        self.patterns = patterns
        self.skipped: dict[str, str] = {}

    @property
    def unlisted(self) -> list[str]:
        return [
            test
            for test in self.skipped
            if not any(fnmatchcase(test, pattern) for pattern in self.patterns)
        ]

    def note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.skipped:
            where = report.longrepr
            reason = where[2] if isinstance(where, tuple) else getattr(report, "wasxfail", "")
            self.skipped[report.nodeid] = reason

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self.note(report)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.unlisted and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for test, reason in self.skipped.items():
            verdict = f"NOT LISTED in tests/{LISTED.name}" if test in self.unlisted else "listed"
            terminalreporter.write_line(f"skipped ({verdict}): {test}: {reason}")


def pytest_configure(config: pytest.Config) -> None:
    try:
        patterns = [pattern for pattern, _ in listed(LISTED.read_text(encoding="utf-8"))]
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error
    config.pluginmanager.register(SkipGuard(patterns), "skip-guard")
