"""`python -m local.front_end` fails unless the console's built files are what its sources make, and
small enough for a bad connection. It needs no Node: the build leaves the hash of its sources.
"""

import re
import sys
from hashlib import sha256
from pathlib import Path
from typing import Final

from local.programs import ROOT

SOURCES: Final = ROOT / "console"
BUILT: Final = ROOT / "functions" / "console" / "static"
# The same as in console/pack.mjs.
SOURCE: Final = re.compile(r"(src|public)/.*\.\w+|[\w.-]+\.(json|ts|html|mjs)")
# kB of 1,000 bytes, by gzip: all that a first visit loads.
MOST_KILOBYTES: Final = 60


def hash_of(folder: Path) -> str:
    names = sorted(
        name
        for each in folder.rglob("*")
        if each.is_file()
        and "node_modules" not in each.parts
        and SOURCE.fullmatch(name := each.relative_to(folder).as_posix())
    )
    hashed = sha256()
    for name in names:
        hashed.update(f"{name}\n".encode())
        hashed.update((folder / name).read_bytes())
        hashed.update(b"\n")
    return hashed.hexdigest()


def problems(sources: Path = SOURCES, built: Path = BUILT) -> list[str]:
    """Sentences for the developer; none where all is well."""
    found = []
    if (built / "sources.sha256").read_text().strip() != hash_of(sources):
        found.append("The console's built files are not of these sources: run `make console`.")
    loaded = [built / "index.html.gz", *(built / "assets").glob("*.gz")]
    size = sum(each.stat().st_size for each in loaded)
    if size > MOST_KILOBYTES * 1000:
        kilobytes = f"{size / 1000:.0f} kB"
        found.append(f"A first visit loads {kilobytes}, and {MOST_KILOBYTES} kB is the most.")
    return found


if __name__ == "__main__":
    if wrong := problems():
        sys.exit("\n".join(wrong))
