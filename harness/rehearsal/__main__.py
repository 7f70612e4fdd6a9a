"""`python -m harness.rehearsal FROM`: upgrades from that commit to the present tree, under load."""

import argparse
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final

from harness.invariants import check
from harness.rehearsal.monitors import Monitor
from harness.rehearsal.places import Places, Stored, failed_messages, keep
from harness.rehearsal.tree import Tree, archived
from harness.rehearsal.verdict import ON_ITS_WAY, Verdict, judge
from inbox.server import Inbox
from local.front import Front
from local.health import warm_up
from local.ministack import forget_account, ministack
from local.ports import HOST, Port
from local.programs import ROOT, Failure, Programs

STATE: Final = ROOT / ".local" / "rehearsal"
DIRECTORY: Final = Path(__file__).with_name("directory.yaml")
SERVICES: Final = ("a", "b", "c")
SECOND_AFTER: Final = 60.0
"""Seconds between the steps of the policies in directory.yaml."""
_ANY: Final = Port(0, "")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m harness.rehearsal", description=__doc__)
    parser.add_argument("commit", help="what is upgraded from: a commit, a branch, a tag")
    parser.add_argument("--before", type=float, default=60, help="seconds of events before")
    parser.add_argument("--after", type=float, default=60, help="seconds of events afterwards")
    chosen = parser.parse_args()
    forget_account()
    try:
        verdict = rehearse(chosen.commit, chosen.before, chosen.after)
    except Failure as failure:
        print(failure)
        return 1
    print(
        f"{verdict.posted} events posted, {verdict.taken} taken, {verdict.tried_again} of them not"
        f" by their first try; {verdict.incidents} incidents, of which people and places heard"
        f" {verdict.heard} times; {verdict.repeated} messages came twice with one delivery id"
    )
    for what, found in (("lost", verdict.lost), ("doubled", verdict.doubled)):
        print(f"{what}: {len(found)}")
        for line in found:
            print(f"  {line}")
    if not verdict.is_good:
        print(f"All that was seen and stored: {(STATE / 'seen.json').relative_to(ROOT)}")
    return 0 if verdict.is_good else 1


def rehearse(commit: str, before: float, after: float) -> Verdict:
    """Raises `Failure` if something does not start or does not deploy."""
    STATE.mkdir(parents=True, exist_ok=True)
    scratch = STATE / "tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    older = archived(commit, STATE)
    with ExitStack() as everything:
        everything.callback(_tidy, scratch)
        places = Places()
        mail = everything.enter_context(closing(_ANY.listen()))
        inbox = everything.enter_context(Inbox(mail, watch=places.takes))
        listener = everything.enter_context(closing(_ANY.listen()))
        port = _ANY.find_free()
        endpoint = f"http://{HOST}:{port}"
        programs = {
            root: Programs(STATE, endpoint, scratch, root) for root in dict.fromkeys((older, ROOT))
        }
        running = everything.enter_context(ministack(programs[older], port))
        for each in programs.values():
            each.ministack = running
        old, new = Tree(older, programs[older]), Tree(ROOT, programs[ROOT])
        parameters = {
            "AllowPrivateTargets": "true",
            "CanaryMinutes": "0",
            "LocalInbox": inbox.url,
            "PublicUrl": f"http://{HOST}:{listener.getsockname()[1]}",
        }
        with _step(f"build and deploy {older.name}"):
            old.build()
            outputs = old.deploy(parameters)
        with _step("configure it with its own command line"):
            old.opsknight("apply", str(DIRECTORY), "--yes")
            keys = {
                name: old.opsknight(
                    "keys", "create", "--service", name, "--integration", "monitor"
                )["secret"]
                for name in SERVICES
            }
        api_id = outputs["ApiUrl"].removeprefix("http://").partition(".")[0]
        front = everything.enter_context(Front(listener, upstream=(HOST, port), api_id=api_id))
        warm_up(front.url, programs[older])
        over = threading.Event()
        everything.callback(over.set)
        monitors = [
            Monitor(front.url, name, key, seed, over)
            for seed, (name, key) in enumerate(keys.items())
        ]
        threads = [threading.Thread(target=each.run, daemon=True) for each in monitors]
        for thread in threads:
            thread.start()
        with _step(f"events for {before:.0f} s"):
            time.sleep(before)
        with _step("build and deploy the present tree over it"):
            new.build()
            upgraded = new.deploy(parameters)
        if upgraded["TableName"] != outputs["TableName"]:
            raise Failure("The upgrade made a new table: everything stored is lost.")
        with _step(f"events for {after:.0f} s"):
            time.sleep(after)
        over.set()
        for thread in threads:
            thread.join()
        with _step("the second steps, and what is on its way"):
            time.sleep(SECOND_AFTER + ON_ITS_WAY)
        ended = time.monotonic()
        if changed := new.opsknight("plan", str(DIRECTORY)).get("changes"):
            raise Failure(f"The present tree reads the configuration otherwise: {changed}")
        posted = [each for monitor in monitors for each in monitor.posted]
        stored = Stored(endpoint, outputs["TableName"])
        keep(STATE / "seen.json", posted, places.heard, stored)
        check(stored, sum(each.unanswered for each in posted))
        if found := failed_messages(endpoint, upgraded):
            raise Failure(f"Messages failed: {found}")
        return judge(
            posted,
            stored.alerts(),
            places.heard,
            second_after=SECOND_AFTER,
            ended=ended,
        )


def _tidy(scratch: Path) -> None:
    # Each process of a function has unpacked its code and the layer there.
    with _step("tidy up"):
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _step(name: str) -> Iterator[None]:
    print(f"{name} ...", end="", flush=True)
    began = time.monotonic()
    yield
    print(f" {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
