"""`python -m bench [--quick] [figure ...]` measures, prints a table and writes .local/bench.json.

The exit code is 1 if a figure misses its bound.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Final

from bench.calls import measure_round_trips, measure_units
from bench.cold import measure_cold_start
from bench.configuration import measure_configuration
from bench.console import measure_console
from bench.cost import measure_cost
from bench.cpu import measure_cpu
from bench.figures import Figure, table
from bench.groups import measure_groups
from bench.heartbeats import measure_heartbeats
from bench.hot_key import measure_hot_key
from bench.latency import measure_latency
from bench.lists import measure_lists
from bench.machine import facts
from bench.refused import measure_refused
from bench.sending import measure_sending
from bench.start import measure_start
from bench.steps import measure_steps
from bench.storm import measure_storm
from harness.dynamodb import ROOT, server
from local.ministack import forget_account

# Each function gets the URL of a fresh DynamoDB, and whether a short run is enough.
FIGURES: Final[Mapping[str, Callable[[str, bool], list[Figure]]]] = {
    "round-trips": measure_round_trips,
    "units": measure_units,
    "groups": measure_groups,
    "heartbeats": measure_heartbeats,
    "steps": measure_steps,
    "sending": measure_sending,
    "incidents": measure_lists,
    "cpu": measure_cpu,
    "refused": measure_refused,
    "cold-start": measure_cold_start,
    "latency": measure_latency,
    "storm": measure_storm,
    "hot-key": measure_hot_key,
    "configuration": measure_configuration,
    "console": measure_console,
    "cost": measure_cost,
    "start": measure_start,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("figures", nargs="*", metavar="figure", help=", ".join(FIGURES))
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, coarser figures")
    chosen = parser.parse_args()
    unknown = set(chosen.figures) - set(FIGURES)
    if unknown:
        parser.error(f"unknown figure: {', '.join(sorted(unknown))}")
    forget_account()
    os.environ["POWERTOOLS_SERVICE_NAME"] = "events"
    os.environ["POWERTOOLS_METRICS_NAMESPACE"] = "OpsKnight/bench"
    state = ROOT / ".local"
    state.mkdir(exist_ok=True)
    machine = facts()
    figures = []
    for name in chosen.figures or FIGURES:
        print(f"measuring {name} ...", file=sys.stderr)
        with _silence(), server(state / "bench.log") as endpoint:
            figures += FIGURES[name](endpoint, chosen.quick)
    result = {
        "machine": machine,
        "quick": chosen.quick,
        "figures": [asdict(figure) | {"met": figure.met} for figure in figures],
    }
    (state / "bench.json").write_text(json.dumps(result, indent=2) + "\n")
    print("\n".join(f"{name:<22} {fact}" for name, fact in machine.items()))
    print(f"\n{table(figures)}\n\nThe same as data: .local/bench.json")
    missed = [figure.name for figure in figures if not figure.met]
    print(f"\nBounds missed, {len(missed)}: {'; '.join(missed)}" if missed else "\nAll bounds met.")
    return 1 if missed else 0


@contextmanager
def _silence() -> Iterator[None]:
    """Writes standard output to /dev/null: printing log lines and metrics is part of the work."""
    sys.stdout.flush()
    terminal = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(terminal, 1)
        os.close(terminal)


if __name__ == "__main__":
    sys.exit(main())
