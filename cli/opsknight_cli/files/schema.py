"""The JSON Schema of configuration files, for editors: `python -m opsknight_cli.files.schema`.

With `--check` it tells whether the published schema is up to date.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

from opsknight.files.shape import File

PUBLISHED: Final = Path(__file__).parents[3] / "docs" / "opsknight.schema.json"


def schema() -> dict[str, Any]:
    made = File.model_json_schema(mode="validation")
    _open_null(made)
    _open_text(made)
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


def _open_text(made: dict[str, Any]) -> None:
    """Allows what is only a name, or only an expression, where the file format does."""
    parts = made["$defs"]
    title = parts["ServiceShape"]["properties"]["name"]["anyOf"][0]
    integrations = parts["ServiceShape"]["properties"]["integrations"]
    integrations["additionalProperties"] = {"anyOf": [title, integrations["additionalProperties"]]}
    preset = parts["PresetShape"]["properties"]
    expression = preset["summary"]
    for name in ("action", "severity"):
        rule = preset[name]
        kinds = rule.get("anyOf") or [{"$ref": rule.pop("$ref")}]
        text = {
            key: each for key, each in expression.items() if key not in ("description", "title")
        }
        rule["anyOf"] = [text, *kinds]


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
