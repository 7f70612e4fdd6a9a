"""The JSON Schema of configuration files, for editors: `python -m opsknight_cli.files.schema`.

With `--check` it tells whether the published schema is up to date.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

from opsknight_cli.files.shape import File

PUBLISHED: Final = Path(__file__).parents[3] / "docs" / "opsknight.schema.json"


def schema() -> dict[str, Any]:
    made = File.model_json_schema(mode="validation")
    _open_null(made)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **made,
        "title": "OpsKnight configuration",
    }


def _open_null(made: dict[str, Any]) -> None:
    """Allows a key without a value where the file format does: for members of a team."""
    members = made["$defs"]["TeamShape"]["properties"]["members"]
    members["additionalProperties"] = {"anyOf": [members["additionalProperties"], {"type": "null"}]}
    for section in made["properties"].values():
        section.setdefault("type", "object")


def main(arguments: list[str]) -> int:
    text = json.dumps(schema(), indent=2) + "\n"
    if "--check" not in arguments:
        PUBLISHED.write_text(text)
        return 0
    if PUBLISHED.is_file() and PUBLISHED.read_text() == text:
        return 0
    print(f"{PUBLISHED.name} is out of date: run `python -m opsknight_cli.files.schema`.")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
