"""What the CI runs of others is a commit, not a name that somebody can move."""

import re

from harness.dynamodb import ROOT

USES = re.compile(r"uses: (\S+)")


def test_actions_are_pinned_by_commit() -> None:
    files = [*(ROOT / ".github" / "workflows").glob("*.y*ml")]
    used = [found for file in files for found in USES.findall(file.read_text())]
    assert used
    for each in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", each), each
