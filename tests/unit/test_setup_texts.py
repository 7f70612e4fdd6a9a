"""What the console's set-up writes from whatever somebody types, read by the check of an apply.

The texts come from the property in `console/src/setup/setup.test.ts`, which fails when they are not
those that its rules make; `npx vitest run -u src/setup` in `console/` writes them anew.
"""

import json
from datetime import UTC, datetime

import pytest

from local.programs import ROOT
from opsknight.files.checking import check
from opsknight.files.reading import read

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
TEXTS: list[str] = json.loads((ROOT / "console" / "src" / "setup" / "texts.json").read_text())


def test_there_are_many() -> None:
    assert len(TEXTS) == 60 and len(set(TEXTS)) == 60


@pytest.mark.parametrize("number", range(60))
def test_what_the_set_up_writes_can_be_applied(number: int) -> None:
    found = check(read({"configuration": TEXTS[number]}), NOW)
    assert not found.errors, (TEXTS[number], [each.sentence for each in found.errors])
    assert found.configuration.users["user_ada"].name
    for service in found.configuration.services.values():
        policy = found.configuration.policies[service.policy_id or ""]
        assert policy.steps and service.team_id in found.configuration.teams
