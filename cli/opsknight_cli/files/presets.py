"""Our own presets: `python -m opsknight_cli.files.presets` compiles `presets/*.yaml` for the layer,
as no function reads YAML. With `--check` it says whether the compiled ones are up to date.
"""

import sys
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from opsknight.directory.presets import Preset
from opsknight.files.preset_shape import PresetShape, preset
from opsknight.files.reading import read as read_yaml
from opsknight.files.values import slug
from opsknight.integrations.builtin import COMPILED
from opsknight_cli.files.texts import load

SOURCES: Final = Path(__file__).parents[3] / "presets"


def read(file: Path) -> Preset:
    """Raises ValueError with a sentence."""
    document = read_yaml(load(str(file)))
    for problem in document.problems:
        raise ValueError(f"{file.name}: {problem.sentence}")
    try:
        return preset(slug(file.stem), PresetShape.model_validate(document.data))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{file.name}: {place}: {first['msg']}") from None


def main(arguments: list[str]) -> int:
    wanted = {
        COMPILED / f"{file.stem}.json": read(file).model_dump_json(indent=1, exclude_defaults=True)
        + "\n"
        for file in sorted(SOURCES.glob("*.yaml"))
    }
    there = {file: file.read_text(encoding="utf-8") for file in COMPILED.glob("*.json")}
    if wanted == there:
        return 0
    if "--check" in arguments:
        print("Presets are out of date: run `python -m opsknight_cli.files.presets`.")
        return 1
    COMPILED.mkdir(exist_ok=True)
    for file in there.keys() - wanted.keys():
        file.unlink()
    for file, text in wanted.items():
        file.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
