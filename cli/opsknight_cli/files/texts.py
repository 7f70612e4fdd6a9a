"""The texts of configuration files: from the disk, or from standard input."""

from pathlib import Path
from typing import Final

from opsknight_cli.session import CommandError

STDIN: Final = "-"


class Unreadable(CommandError):
    """A file cannot be opened; the text is a sentence for the operator."""


def load(path: str, stdin: str | None = None) -> dict[str, str]:
    """The text of a file, or of all YAML files in a folder and below, by name. Raises Unreadable.

    `stdin` is the text that `-` stands for.
    """
    if path == STDIN:
        return {"standard input": stdin or ""}
    place = Path(path)
    files = [place]
    if place.is_dir():
        files = sorted(each for each in place.rglob("*") if each.suffix in (".yaml", ".yml"))
        if not files:
            raise Unreadable(f"Folder {path} contains no .yaml file.")
    try:
        return {str(file): file.read_text(encoding="utf-8") for file in files}
    except OSError as error:
        raise Unreadable(f"{error.filename} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise Unreadable(f"{path} is not UTF-8 text: {error.reason}.") from None
