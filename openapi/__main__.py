"""`python -m openapi` writes the file that `GET /openapi.json` serves; with `--check` it says
whether that file is what the code describes.
"""

import json
import sys
from pathlib import Path
from typing import Final

from events.handler import OPENAPI
from openapi.document import description

USAGE: Final = "usage: python -m openapi [--check]"


def main(arguments: list[str], file: Path = OPENAPI) -> int:
    text = json.dumps(description(), indent=2) + "\n"
    match arguments:
        case []:
            file.write_text(text, encoding="utf-8")
            return 0
        case ["--check"] if file.read_text(encoding="utf-8") == text:
            return 0
        case ["--check"]:
            said = f"{file.name} is not what the code describes: run `python -m openapi`."
        case _:
            said = USAGE
    sys.stderr.write(f"{said}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
