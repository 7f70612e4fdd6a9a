"""From the data of a file to a configuration, with a sentence for each problem, all at once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime
from itertools import chain, islice
from typing import Any, Final

from pydantic import ValidationError

from opsknight.classes import dataclass
from opsknight.config.configuration import (
    AWS_SECTION,
    Configuration,
    Entry,
    Kind,
    Path,
    id_of,
    slug_of,
)
from opsknight.config.finding import Finding, Severity
from opsknight.config.lint import dangling, dangling_reference, findings, no_such_method
from opsknight.config.spelling import meant
from opsknight.directory.aws import RULES_ID
from opsknight.files.compiling import compiled
from opsknight.files.problems import Place, Problem
from opsknight.files.reachable import unreachable
from opsknight.files.reading import MOST_PROBLEMS, Document
from opsknight.files.shape import SHAPES
from opsknight.files.values import FieldError, Shape, slug, slugged
from opsknight.files.wording import capital, sentence, unknown
from opsknight.runtime.addresses import Reach

_KINDS: Final = {
    "users": Kind.USER,
    "teams": Kind.TEAM,
    "schedules": Kind.SCHEDULE,
    "policies": Kind.POLICY,
    "services": Kind.SERVICE,
    "status_pages": Kind.STATUS_PAGE,
    "presets": Kind.PRESET,
    "aws": Kind.AWS,
    "reports": Kind.REPORT,
}


# Where a section refers to other entries. `_EACH` stands for each item of a list or mapping, and
# `_KEYS` for the keys of a mapping.
_EACH: Final = "*"
_KEYS: Final = "keys"
_STEP: Final = ("steps", _EACH, "targets", _EACH)
_REFERENCES: Final[Mapping[str, Sequence[tuple[tuple[str, ...], Kind]]]] = {
    "teams": ((("members", _KEYS), Kind.USER),),
    "schedules": ((("layers", _EACH, "users", _EACH), Kind.USER),),
    "policies": (
        ((*_STEP, "user"), Kind.USER),
        ((*_STEP, "team"), Kind.TEAM),
        ((*_STEP, "team_leads"), Kind.TEAM),
        ((*_STEP, "schedule"), Kind.SCHEDULE),
    ),
    "services": (
        (("team",), Kind.TEAM),
        (("policy",), Kind.POLICY),
        (("integrations", _EACH, "routes", _EACH, "service"), Kind.SERVICE),
        (("integrations", _EACH, "default"), Kind.SERVICE),
    ),
    "aws": ((("rules", _EACH, "service"), Kind.SERVICE), (("default",), Kind.SERVICE)),
    "reports": ((("users", _EACH), Kind.USER),),
    "status_pages": (
        (("services", _EACH), Kind.SERVICE),
        (("public", "names", _KEYS), Kind.SERVICE),
    ),
}


@dataclass(frozen=True, slots=True)
class Checked:
    """`configuration` holds all valid entries: the whole file, if there are no errors."""

    configuration: Configuration
    problems: tuple[Problem, ...]
    places: Mapping[Path, Place]

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(each for each in self.problems if each.severity is Severity.ERROR)


def check(document: Document, now: datetime, reach: Reach = Reach.PRIVATE) -> Checked:
    entries: list[Entry] = []
    broken: dict[Kind, set[str]] = {}
    found: list[tuple[Severity, Path, str]] = []
    unsaid = 0
    unsure = _repeated(document)
    absent = SHAPES.keys() - document.data.keys()
    for section, content in document.data.items():
        if section not in SHAPES:
            # Its names exist, whatever it was meant to be.
            guess = None
            if len(found) < MOST_PROBLEMS:
                guess = meant(section, absent)
                found.append((Severity.ERROR, (section,), unknown(section, SHAPES)))
            else:
                unsaid += 1
            unsure |= {_KINDS[each] for each in ([guess] if guess else absent)}
            continue
        if not isinstance(content, dict | None):
            said = f"Must be a mapping of names to {section.replace('_', ' ')}: `name:` lines."
            if section == AWS_SECTION:
                said = "Must have `rules:`, a list, and `default:`, if you want one."
            found.append((Severity.ERROR, (section,), said))
            unsure.add(_KINDS[section])
            continue
        for name, path, fields in _contents(section, content or {}):
            try:
                slug(name)
                shape = SHAPES[section].model_validate({} if fields is None else fields)
                entries += compiled(name, shape)
            except ValidationError as error:
                # A guess at what was meant takes long.
                room = max(0, MOST_PROBLEMS - len(found))
                found += islice(_sentences(error, path, SHAPES[section], fields), room)
                unsaid += max(0, error.error_count() - room)
                broken.setdefault(_KINDS[section], set()).add(id_of(_KINDS[section], name))
            except ValueError as error:
                found.append((Severity.ERROR, path, f"{capital(error)}."))
                broken.setdefault(_KINDS[section], set()).add(id_of(_KINDS[section], name))
    if not (entries or found or document.problems):
        said = (
            "There is nothing in this configuration: docs/configuration.md shows what belongs here."
        )
        found.append((Severity.ERROR, (), said))
    configuration = Configuration.of(entries)
    # What refers to `pay-api` is right, and `Pay_API` is what has to change.
    known = {
        kind: ids | {id_of(kind, slugged(slug_of(each))) for each in ids}
        for kind, ids in broken.items()
    }
    loose = chain(dangling(configuration, known), _dangling(document, configuration, known))
    sure = (each for each in loose if each.refers_to not in unsure)
    more = [*islice(sure, max(0, MOST_PROBLEMS - len(found)))]
    # Of a reference that no name can be, one sentence is enough: the one that guesses.
    guessed = {each.path for each in more if "Did you mean" in each.sentence}
    more = [each for each in more if each.path in guessed or each.path not in _paths(found)]
    found = [each for each in found if each[1] not in guessed]
    more += unreachable(configuration, reach)
    errors = any(each.severity is Severity.ERROR for each in more)
    if not (errors or found or document.problems):
        more += findings(configuration, now)
    found += ((each.severity, each.path, each.sentence) for each in more)
    if unsaid or any(True for _ in islice(sure, 1)):
        said = "There are more problems than are listed here: mend these, and check it again."
        found.append((Severity.ERROR, (), said))
    problems = [
        *document.problems,
        *(Problem(severity, document.place(path), path, text) for severity, path, text in found),
    ]
    return Checked(configuration, tuple(sorted(problems, key=_order)), document.places)


def _paths(found: Iterable[tuple[Severity, Path, str]]) -> set[Path]:
    return {path for _, path, _ in found}


def _contents(section: str, content: Mapping[str, Any]) -> Iterator[tuple[str, Path, Any]]:
    """The name, place and fields of each entry."""
    if section == AWS_SECTION:
        if content:
            yield slug_of(RULES_ID), (section,), content
        return
    for name, fields in content.items():
        yield name, (section, name), fields


def _repeated(document: Document) -> set[Kind]:
    """The kinds of which a name was lost, because it repeats another one."""
    return {_KINDS[path[0]] for path in document.repeated if path[0] in _KINDS and len(path) < 3}


def _dangling(
    document: Document, configuration: Configuration, broken: Mapping[Kind, Set[str]]
) -> Iterator[Finding]:
    """References that lead nowhere, in entries that are not valid as a whole."""
    all_known = {
        each: configuration.by_kind(each).keys() | broken.get(each, set()) for each in Kind
    }
    for section, kind in _KINDS.items():
        names = {slug_of(each) for each in broken.get(kind, ())}
        content: Any = document.data.get(section)
        found = _contents(section, content) if isinstance(content, dict) else ()
        for name, place, fields in sorted(found, key=lambda each: each[0]):
            for pattern, target in _REFERENCES.get(section, ()) if name in names else ():
                known = all_known[target]
                for path, word in _words_at(fields, pattern, place):
                    if wrong := dangling_reference(target, id_of(target, word), known, path):
                        yield wrong
            if section == "users" and name in names:
                yield from _methods(fields, place)


def _methods(fields: Any, place: Path) -> Iterator[Finding]:
    """Rules by contact methods that a user, who is not valid as a whole, does not have."""
    had = fields.get("contact_methods") if isinstance(fields, dict) else None
    if not isinstance(had, dict):
        return
    for path, word in _words_at(fields, ("rules", _EACH, _EACH, "method"), place):
        if word not in had:
            yield no_such_method(word, [*had], path)


def _words_at(data: Any, pattern: tuple[str, ...], path: Path) -> Iterator[tuple[Path, str]]:
    """The texts that a pattern matches in the data."""
    if not pattern:
        if isinstance(data, str):
            yield path, data
        return
    first, *rest = pattern
    if first == _KEYS and isinstance(data, dict):
        yield from (((*path, key), key) for key in data)
        return
    inside: Iterable[tuple[str | int, Any]] = ()
    if first == _EACH and isinstance(data, list):
        inside = enumerate(data)
    elif isinstance(data, dict):
        inside = data.items() if first == _EACH else [(first, data.get(first))]
    for part, value in inside:
        yield from _words_at(value, tuple(rest), (*path, part))


def _order(problem: Problem) -> tuple[object, ...]:
    return problem.place, problem.severity, problem.sentence


def _sentences(
    error: ValidationError, path: Path, shape: type[Shape], fields: Any
) -> Iterator[tuple[Severity, Path, str]]:
    for each in error.errors(include_url=False):
        if each["type"] == "too_short" and each["input"]:
            # The items of the list are wrong, and have their own errors.
            continue
        inner = _inner(each["loc"], fields)
        cause = each.get("ctx", {}).get("error")
        if isinstance(cause, FieldError):
            inner = _inner((*each["loc"], cause.field), fields)
        yield Severity.ERROR, (*path, *inner), sentence(each, shape)


def _inner(location: tuple[int | str, ...], fields: Any) -> Path:
    """The part of an error's location that is in the data. The library adds marks of its own, for
    keys and for members of unions.
    """
    path: list[str | int] = []
    at = fields
    for part in location:
        inside = (
            part in at if isinstance(at, dict) else isinstance(at, list) and part in range(len(at))
        )
        if inside:
            at = at[part]
            path.append(part)
    return tuple(path)
