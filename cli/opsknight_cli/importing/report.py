"""What an import could not carry over, and what is left to do, as pages to read and to keep."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

from opsknight.config.configuration import Kind, id_of
from opsknight.files.problems import Problem, dotted
from opsknight_cli.importing.comparing import Compared, Difference
from opsknight_cli.importing.outcome import Harm, Imported, Loss

# Until there is a deployment.
NOWHERE: Final = "https://YOUR-API"
HEADINGS: Final = {
    Harm.NOT_PAGED: "Somebody would not be paged",
    Harm.PAGED_OTHERWISE: "Somebody is paged otherwise, or at another time",
    Harm.PAGED_MORE: "Pages that were not there before",
    Harm.LEFT_BEHIND: "Left behind",
}

_USER: Final = id_of(Kind.USER, "")


def losses(imported: Imported, compared: Compared) -> list[Loss]:
    """All of them, with the hours in which the wrong person would be on call; the worst first."""
    order = list(Harm)
    found = [*imported.losses, *map(_difference, compared.differences), *_unknown(compared)]
    return sorted(dict.fromkeys(found), key=lambda each: order.index(each.harm))


def _difference(found: Difference) -> Loss:
    when = f"From {_stamp(found.start)} to {_stamp(found.end)}"
    ours, theirs = _who(found.ours), _who(found.theirs)
    return Loss(
        Harm.NOT_PAGED if found.missing else Harm.PAGED_MORE,
        f"schedule {found.name}",
        f"{when} {ours} is on call here, and {theirs} there.",
    )


def _unknown(compared: Compared) -> Iterator[Loss]:
    for name in compared.unknown:
        yield Loss(
            Harm.PAGED_OTHERWISE,
            f"schedule {name}",
            "The export does not say who will be on call, so nothing could be compared.",
        )


def _who(users: Iterable[str]) -> str:
    names = sorted(each.removeprefix(_USER) for each in users)
    return " and ".join(names) or "nobody"


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def page(imported: Imported, compared: Compared, problems: Sequence[Problem], now: datetime) -> str:
    """The report, as Markdown."""
    return "\n".join(_lines(imported, compared, problems, now)) + "\n"


def _lines(
    imported: Imported, compared: Compared, problems: Sequence[Problem], now: datetime
) -> Iterator[str]:
    yield f"# Imported from {imported.system} on {now:%Y-%m-%d}"
    yield ""
    yield verdict(compared)
    found = losses(imported, compared)
    if not found:
        yield ""
        yield "Nothing was lost."
    for harm, several in groupby(found, key=lambda each: each.harm):
        yield ""
        yield f"## {HEADINGS[harm]}"
        yield ""
        for each in several:
            yield f"- **{each.where}**: {each.sentence}"
    if problems:
        yield ""
        yield "## What `opsknight validate --strict` says of the files"
        yield ""
        for problem in problems:
            yield f"- {problem.severity} `{dotted(problem.path)}`: {problem.sentence}"
    if imported.sources:
        yield ""
        yield "## New keys, and where to put each"
        yield ""
        yield "| There | Sends by | Here | Change at the sender |"
        yield "|---|---|---|---|"
        for source in imported.sources:
            cells = (
                source.was,
                source.kind,
                f"{source.service} / {source.integration}",
                source.where.replace("{url}", NOWHERE),
            )
            yield f"| {' | '.join(_cell(each) for each in cells)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def verdict(compared: Compared) -> str:
    """In a sentence, whether the same people are on call."""
    if not compared.schedules:
        return "Who is on call could not be compared: the export does not say who will be."
    count = f"{compared.schedules} schedule{'' if compared.schedules == 1 else 's'}"
    if compared.differences:
        times = len(compared.differences)
        return (
            f"Who is on call in the next four weeks was compared for {count}: it differs "
            f"{'once' if times == 1 else f'{times} times'}, as the list below says."
        )
    return f"Who is on call in the next four weeks was compared for {count}: it is the same."
