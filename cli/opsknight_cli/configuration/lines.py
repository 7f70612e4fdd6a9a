"""Keeps where the applied file has what it names, for the console and for `me methods`."""

from opsknight.config.last_apply import FilePlace, LastApply, numbered
from opsknight.files.checking import Checked
from opsknight.store.last_applies import LastApplies
from opsknight_cli.terminal.invocation import Invocation
from opsknight_cli.terminal.naming import operator


def keep_lines(invocation: Invocation, checked: Checked, revision: int) -> None:
    """Writes nothing where all stands as it did: a pipeline applies the same file again and again,
    perhaps with rights to read only.
    """
    session, kept = invocation.session, LastApplies(invocation.deployment.table)
    files, lines = numbered(
        (path, FilePlace(place.file, place.line)) for path, place in checked.places.items()
    )
    before = kept.read(session.deadline())
    stands = (files, lines, revision)
    if before is not None and (before.files, before.lines, before.revision) == stands:
        return
    by = operator(invocation).name
    new = LastApply(at=session.now(), by=by, revision=revision, files=files, lines=lines)
    kept.keep(new, session.deadline())
