"""Scenes on a terminal: what another system has, and what of it is lost."""

import os
import re
import tempfile
from pathlib import Path
from typing import Final

from tests.integration.play import Play

EXPORTS: Final = Path(__file__).parents[1] / "exports"


def importing(play: Play) -> None:
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            _importing(play, Path(folder))
        finally:
            os.chdir(here)


def _importing(play: Play, folder: Path) -> None:
    (folder / "export").symlink_to(EXPORTS / "pagerduty")
    (folder / "backup").symlink_to(EXPORTS / "opsgenie")
    play.types("import", "pagerduty", "--from", "export", "--shadow-until", "2027-03-01", code=64)
    play.types("import", "pagerduty", "--from", "export")
    play.types("import", "pagerduty", "--from", "export", code=1)
    play.types("import", "pagerduty", "--from", "nowhere", code=1)
    play.types("import", "pagerduty", "--from", "backup", code=1)
    play.types("import", "opsgenie", "--from", "export", code=1)
    play.types("import", "opsgenie", "--from", "backup", "--into", "other", "--overwrite")
    play.types("import", "finish", "nowhere", code=1)
    play.types("import", "finish", "imported", code=1)
    play.types("apply", "imported", "--yes", "--json")
    play.forget_last()
    play.types("import", "finish", "imported")
    play.types("import", "finish", "imported")
    play.replace(re.compile(re.escape(str(EXPORTS))), "exports")
