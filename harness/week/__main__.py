"""`python -m harness.week FILE` plays the week that ends now, and writes what came of it."""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from harness import embedded
from harness.week.director import played
from harness.week.taking import taken


def main(file: Path) -> None:
    os.environ["POWERTOOLS_SERVICE_NAME"] = "week"
    os.environ["POWERTOOLS_METRICS_NAMESPACE"] = "OpsKnight/week"
    world = played(embedded.endpoint(), datetime.now(UTC)).world
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(taken(world.items())))
    draft.replace(file)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
