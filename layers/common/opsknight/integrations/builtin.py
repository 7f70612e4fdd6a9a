"""The presets that come with OpsKnight: one compiled file each beside this module, written by
`python -m opsknight_cli.files.presets` from `presets/NAME.yaml`. One is read when it is first used.
"""

from functools import cache
from pathlib import Path
from typing import Final

from opsknight.directory.presets import Preset

COMPILED: Final = Path(__file__).with_name("compiled")


@cache
def names() -> tuple[str, ...]:
    """In the order of the alphabet."""
    return tuple(sorted(file.stem for file in COMPILED.glob("*.json")))


@cache
def find(name: str) -> Preset | None:
    # Only a name of the list: others come out of paths that strangers write.
    if name not in names():
        return None
    return Preset.model_validate_json((COMPILED / f"{name}.json").read_bytes())
