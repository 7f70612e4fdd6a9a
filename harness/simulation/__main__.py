"""`python -m harness.simulation`: some hundreds of nights, or one of them with its story."""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Final

from harness.simulation import beside, deaths, flood, open_for_a_day, storm, upgrade
from harness.simulation.machine import ROOT
from harness.simulation.many import played
from harness.simulation.verdict import KINDS

# A run of hours shows how far it is.
TOLD_EVERY: Final = 250


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m harness.simulation", description=__doc__)
    parser.add_argument("--nights", type=int, default=300, help="how many")
    parser.add_argument("--seed", type=int, default=1, help="the first; nights count up from it")
    parser.add_argument("--lines", action="store_true", help="print everything that happened")
    parser.add_argument("--root", type=Path, default=ROOT, help="another tree, whose code runs")
    parser.add_argument(
        "--older", help="a commit whose code is upgraded in each night to that of the tree"
    )
    parser.add_argument("--first", action="store_true", help="end with the first that fails")
    parser.add_argument("--storm", type=int, help="instead, so many incidents for one person")
    parser.add_argument(
        "--beside", type=int, help="instead, HIGH ones beside so many incidents a minute"
    )
    parser.add_argument("--incidents", type=int, help="--beside: how many; 2 minutes of them")
    parser.add_argument(
        "--flood", type=int, help="instead, HIGH ones beside so many events a second"
    )
    parser.add_argument("--open", type=int, help="instead, so many that nobody takes")
    parser.add_argument("--hours", type=int, default=24, help="--open: how long")
    parser.add_argument("--deaths", type=int, help="instead, deaths in a message about so many")
    parser.add_argument("--moments", type=int, default=24, help="--deaths: how many")
    parser.add_argument("--opens", action="store_true", help="--flood: each opens an incident")
    parser.add_argument("--account", type=int, default=1000, help="--flood: functions at once")
    chosen = parser.parse_args()
    if chosen.flood:
        for line in flood.figures(chosen.flood, opens=chosen.opens, account=chosen.account):
            print(line, flush=True)
        return 0
    if chosen.open:
        print(open_for_a_day.open_for(chosen.open, chosen.hours), flush=True)
        return 0
    if chosen.deaths:
        for line in deaths.figures(chosen.deaths, chosen.moments):
            print(line, flush=True)
        return 0
    if chosen.beside:
        for line in beside.figures(chosen.beside, chosen.incidents):
            print(line, flush=True)
        return 0
    if chosen.storm:
        for line in storm.figures(chosen.storm):
            print(line, flush=True)
        return 0
    began, totals, kinds, failed = time.monotonic(), Counter[str](), Counter[str](), []
    older = upgrade.tree(chosen.older) if chosen.older else None
    seeds = range(chosen.seed, chosen.seed + chosen.nights)
    for each in played(seeds, root=chosen.root, older=older, lines=chosen.lines):
        totals.update(each.totals)
        kinds.update(each.kinds)
        for at, line in each.lines:
            print(f"{at:9.2f}  {line}")
        if each.story:
            failed.append(each.seed)
            print(f"seed {each.seed}")
            print("\n".join(each.story), flush=True)
            if chosen.first:
                break
        if totals["nights"] % TOLD_EVERY == 0 and totals["nights"] < chosen.nights:
            print(f"so far: {_told(totals, began)}; failed: {failed}", flush=True)
    print(_told(totals, began))
    for kind in KINDS:
        print(f"  {kind}: {kinds[kind]}")
    if failed:
        print(f"seeds that failed: {failed}")
    return 1 if failed else 0


def _told(totals: Counter[str], began: float) -> str:
    counts = (f"{count:,} {name.replace('_', ' ')}" for name, count in totals.items())
    return f"{', '.join(counts)} in {time.monotonic() - began:.0f} s"


if __name__ == "__main__":
    sys.exit(main())
