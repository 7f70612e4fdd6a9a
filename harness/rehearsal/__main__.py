"""`python -m harness.rehearsal FROM`: upgrades from that commit to the present tree, holds, lets
go and goes back, under load all the time.
"""

import argparse
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from harness.invariants import check
from harness.rehearsal.monitors import EVERY, Monitor, Posted
from harness.rehearsal.places import Places, Stored, failed_messages, keep
from harness.rehearsal.tree import Tree, archived
from harness.rehearsal.verdict import ON_ITS_WAY, TAKEN_UP, Held, Verdict, judge
from inbox.server import Inbox
from local.front import Front
from local.health import warm_up
from local.ministack import forget_account, ministack
from local.ports import HOST, Port
from local.programs import ROOT, Failure, Programs, discard

STATE: Final = ROOT / ".local" / "rehearsal"
DIRECTORY: Final = Path(__file__).with_name("directory.yaml")
SERVICES: Final = ("a", "b", "c")
SECOND_AFTER: Final = 60.0
"""Seconds between the steps of the policies in directory.yaml."""
HELD: Final = 75.0
"""Seconds of the hold: longer than the time between the steps, so that some come due under it."""
MOST_LATE: Final = 900.0
"""Seconds to wait at the end for what is overdue."""
_ANY: Final = Port(0, "")


@dataclass(frozen=True)
class Course:
    """What is done, with seconds of events before, between and after."""

    commit: str
    before: float
    after: float
    every: float
    goes_back: bool


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m harness.rehearsal", description=__doc__)
    parser.add_argument("commit", help="what is upgraded from: a commit, a branch, a tag")
    parser.add_argument("--before", type=float, default=60, help="seconds of events before")
    parser.add_argument(
        "--after", type=float, default=60, help="seconds of events after each thing that is done"
    )
    parser.add_argument(
        "--every", type=float, default=EVERY, help="seconds between two events of a monitor"
    )
    parser.add_argument(
        "--no-rollback", action="store_true", help="end after the hold: do not go back"
    )
    chosen = parser.parse_args()
    forget_account()
    try:
        verdict = rehearse(
            Course(chosen.commit, chosen.before, chosen.after, chosen.every, not chosen.no_rollback)
        )
    except Failure as failure:
        print(failure)
        return 1
    print(
        f"{verdict.posted} events posted, {verdict.taken} taken, {verdict.tried_again} of them not"
        f" by their first try; {verdict.incidents} incidents, of which people and places heard"
        f" {verdict.heard} times; {verdict.repeated} messages came twice with one delivery id"
    )
    for what, found in (
        ("lost", verdict.lost),
        ("doubled", verdict.doubled),
        ("in spite of the hold", verdict.in_spite),
    ):
        print(f"{what}: {len(found)}")
        for line in found:
            print(f"  {line}")
    if not verdict.is_good:
        print(f"All that was seen and stored: {(STATE / 'seen.json').relative_to(ROOT)}")
    return 0 if verdict.is_good else 1


def rehearse(course: Course) -> Verdict:
    """Raises `Failure` if something does not start, does not deploy or cannot be gone back to."""
    STATE.mkdir(parents=True, exist_ok=True)
    scratch = STATE / "tmp"
    discard(scratch)
    scratch.mkdir()
    older = archived(course.commit, STATE)
    with ExitStack() as everything:
        # Each process of a function has unpacked its code and the layer there.
        everything.callback(discard, scratch)
        places = Places()
        mail = everything.enter_context(closing(_ANY.listen()))
        inbox = everything.enter_context(Inbox(mail, watch=places.takes))
        listener = everything.enter_context(closing(_ANY.listen()))
        port = _ANY.find_free()
        endpoint = f"http://{HOST}:{port}"
        programs = {
            root: Programs(STATE, endpoint, scratch, root) for root in dict.fromkeys((older, ROOT))
        }
        old, new = Tree(older, programs[older]), Tree(ROOT, programs[ROOT])
        if course.goes_back and not old.keeps_versions():
            raise Failure(
                f"The template of {older.name} has a deploy delete the versions before it, so "
                "nobody could go back to them. Rehearse from a newer commit (the first that keeps "
                "them: git log -S'VersionDeletionPolicy: Retain' --reverse template.yaml), or the "
                "upgrade alone: ARGS=--no-rollback."
            )
        running = everything.enter_context(ministack(programs[older], port))
        for each in programs.values():
            each.ministack = running
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
            Monitor(front.url, name, key, seed, over, course.every)
            for seed, (name, key) in enumerate(keys.items())
        ]
        threads = [threading.Thread(target=each.run, daemon=True) for each in monitors]
        for thread in threads:
            thread.start()
        held = _carry_out(course, new, parameters, outputs["TableName"])
        over.set()
        for thread in threads:
            thread.join()
        stored = Stored(endpoint, outputs["TableName"])
        with _step("the second steps, and what is on its way"):
            time.sleep(SECOND_AFTER + ON_ITS_WAY)
            overdue = _wait_for(stored)
        ended = time.monotonic()
        posted = [each for monitor in monitors for each in monitor.posted]
        keep(STATE / "seen.json", posted, places.heard, held, stored)
        if overdue:
            raise Failure(f"{overdue} things stay overdue: the machine is too slow for so much.")
        if changed := new.opsknight("plan", str(DIRECTORY)).get("changes"):
            raise Failure(f"The present tree reads the configuration otherwise: {changed}")
        return _judged(posted, places, stored, held, ended, failed_messages(endpoint, outputs))


def _carry_out(course: Course, new: Tree, parameters: Mapping[str, str], table: str) -> Held:
    """All that an operator does, while monitors post."""
    _events(course.before)
    with _step("build and deploy the present tree over it"):
        new.build()
        upgraded = new.deploy(parameters)
    if upgraded["TableName"] != table:
        raise Failure("The upgrade made a new table: everything stored is lost.")
    _events(course.after)
    new.opsknight("hold", "on", "--for", "15m", "--reason", "rehearsal")
    on = time.monotonic()
    with _step(f"a hold of {HELD:.0f} s, with events"):
        time.sleep(HELD)
    held = Held(on, time.monotonic())
    new.opsknight("hold", "off")
    # What the hold kept back has gone out before anything else is done.
    _events(max(course.after, TAKEN_UP + ON_ITS_WAY))
    if course.goes_back:
        with _step("roll back"):
            moved = new.opsknight("rollback", "--yes")["functions"]
        print(f"  {len(moved)} functions serve the version before the upgrade")
        _events(course.after)
    return held


def _events(seconds: float) -> None:
    with _step(f"events for {seconds:.0f} s"):
        time.sleep(seconds)


def _wait_for(stored: Stored) -> int:
    """Until nothing is overdue: what is late is not lost. Returns how much still is, if there is no
    end of it.
    """
    until = time.monotonic() + MOST_LATE
    while waits := stored.overdue(datetime.now(UTC)):
        if time.monotonic() > until:
            return waits
        time.sleep(5)
    return 0


def _judged(
    posted: Sequence[Posted],
    places: Places,
    stored: Stored,
    held: Held,
    ended: float,
    failed: Mapping[str, str],
) -> Verdict:
    check(stored, sum(each.unanswered for each in posted))
    if failed:
        raise Failure(f"Messages failed: {failed}")
    return judge(
        posted,
        stored.alerts(),
        places.heard,
        second_after=SECOND_AFTER,
        ended=ended,
        held=held,
    )


@contextmanager
def _step(name: str) -> Iterator[None]:
    print(f"{name} ...", end="", flush=True)
    began = time.monotonic()
    yield
    print(f" {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
