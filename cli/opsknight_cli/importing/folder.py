"""The files that an import writes: the configuration, the people apart from it, the report, and
what goes into no file of a configuration.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from opsknight.config.configuration import slug_of
from opsknight.files.describing import described
from opsknight.files.writing import written
from opsknight.oncall.schedules import Override
from opsknight_cli.importing.outcome import Imported
from opsknight_cli.session import CommandError
from opsknight_cli.terminal.times import stamp

CONFIGURATION: Final = "opsknight.yaml"
PEOPLE: Final = "people.yaml"
REPORT: Final = "REPORT.md"
AFTERWARDS: Final = "afterwards.json"
FILES: Final = (CONFIGURATION, PEOPLE, REPORT, AFTERWARDS)
_USERS: Final = "users"


def configuration_files(imported: Imported) -> dict[str, str]:
    """The text of each. What belongs to a person, with their numbers, has a file of its own."""
    document = described(imported.configuration)
    people = {_USERS: document.pop(_USERS)} if _USERS in document else {}
    head = f"# Imported from {imported.system}. {REPORT} says what could not be carried over.\n\n"
    return {
        CONFIGURATION: head + written(document),
        PEOPLE: "# How to reach each person: theirs to change, and nobody else's business.\n\n"
        + written(people),
    }


def afterwards(imported: Imported) -> dict[str, Any]:
    """What `import finish` does once the configuration is applied."""
    return {
        "system": imported.system,
        "overrides": [
            _override(schedule_id, each)
            for schedule_id, several in imported.overrides.items()
            for each in several
        ],
        "windows": [
            {
                "services": list(each.services),
                "start": stamp(each.start),
                "end": stamp(each.end),
                "reason": each.reason,
            }
            for each in imported.windows
        ],
        "keys": [
            {
                "service": each.service,
                "integration": each.integration,
                "was": each.was,
                "kind": each.kind,
                "where": each.where,
            }
            for each in imported.sources
        ],
    }


def _override(schedule_id: str, override: Override) -> dict[str, Any]:
    return {
        "schedule": slug_of(schedule_id),
        "user": slug_of(override.user_id),
        "replaces": override.replaces and slug_of(override.replaces),
        "start": stamp(override.start),
        "end": stamp(override.end),
    }


def save(folder: str, files: Mapping[str, str], *, overwrite: bool) -> None:
    """Raises CommandError rather than replace a file that somebody may have edited."""
    place = Path(folder)
    there = sorted(name for name in files if (place / name).exists())
    if there and not overwrite:
        raise CommandError(
            f"{place / there[0]} exists: choose another folder with --into, or give --overwrite."
        )
    try:
        place.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            with open(place / name, "w", encoding="utf-8", opener=_private) as file:
                file.write(text)
    except OSError as error:
        raise CommandError(f"{folder} cannot be written: {error.strerror}.") from None


def _private(path: str, flags: int) -> int:
    """Opens a new file for its owner alone: people's numbers are in it."""
    return os.open(path, flags, 0o600)


def json_text(data: Any) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"
