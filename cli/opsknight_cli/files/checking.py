"""From the data of a file to a configuration, with a sentence for each problem, all at once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, get_args, get_origin
from zoneinfo import available_timezones

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from opsknight.config.configuration import Configuration, Entry, Kind, Path, id_of, slug_of
from opsknight.config.lint import (
    Finding,
    Severity,
    dangling,
    dangling_reference,
    did_you_mean,
    findings,
)
from opsknight_cli.files.compiling import compiled
from opsknight_cli.files.problems import Problem
from opsknight_cli.files.reading import Document
from opsknight_cli.files.shape import SECTIONS, Shape
from opsknight_cli.files.values import slug

_KINDS: Final = {
    "users": Kind.USER,
    "teams": Kind.TEAM,
    "schedules": Kind.SCHEDULE,
    "policies": Kind.POLICY,
    "services": Kind.SERVICE,
    "status_pages": Kind.STATUS_PAGE,
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
    "services": ((("team",), Kind.TEAM), (("policy",), Kind.POLICY)),
    "status_pages": ((("services", _EACH), Kind.SERVICE),),
}


@dataclass(frozen=True, slots=True)
class Checked:
    """`configuration` holds all valid entries: the whole file, if there are no errors."""

    configuration: Configuration
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(each for each in self.problems if each.severity is Severity.ERROR)


def check(document: Document, now: datetime) -> Checked:
    entries: list[Entry] = []
    broken: dict[Kind, set[str]] = {}
    found: list[tuple[Severity, Path, str]] = []
    for section, content in document.data.items():
        if section not in SECTIONS:
            found.append((Severity.ERROR, (section,), _unknown(section, SECTIONS)))
            continue
        if not isinstance(content, dict | None):
            sentence = f"Must be a mapping of names to {section.replace('_', ' ')}: `name:` lines."
            found.append((Severity.ERROR, (section,), sentence))
            continue
        for name, fields in (content or {}).items():
            path: Path = (section, name)
            try:
                slug(name)
                shape = SECTIONS[section].model_validate({} if fields is None else fields)
                entries += compiled(name, shape)
            except ValidationError as error:
                found += _sentences(error, path, SECTIONS[section], fields)
                broken.setdefault(_KINDS[section], set()).add(id_of(_KINDS[section], name))
            except ValueError as error:
                found.append((Severity.ERROR, path, f"{_capital(error)}."))
                broken.setdefault(_KINDS[section], set()).add(id_of(_KINDS[section], name))
    configuration = Configuration.of(entries)
    more = [*dangling(configuration, broken), *_dangling(document, configuration, broken)]
    if not (more or found or document.problems):
        more += findings(configuration, now)
    found += ((each.severity, each.path, each.sentence) for each in more)
    problems = [
        *document.problems,
        *(Problem(severity, document.place(path), path, text) for severity, path, text in found),
    ]
    return Checked(configuration, tuple(sorted(problems, key=_order)))


def _dangling(
    document: Document, configuration: Configuration, broken: Mapping[Kind, Set[str]]
) -> Iterator[Finding]:
    """References that lead nowhere, in entries that are not valid as a whole."""
    for section, kind in _KINDS.items():
        names = {slug_of(each) for each in broken.get(kind, ())}
        for name in sorted(names):
            fields = document.data[section][name]
            for pattern, target in _REFERENCES.get(section, ()):
                known = configuration.by_kind(target).keys() | broken.get(target, set())
                for path, word in _words_at(fields, pattern, (section, name)):
                    if found := dangling_reference(target, id_of(target, word), known, path):
                        yield found


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
        yield Severity.ERROR, (*path, *inner), _sentence(each, shape)


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


def _sentence(error: ErrorDetails, shape: type[Shape]) -> str:
    context = error.get("ctx", {})
    last = error["loc"][-1] if error["loc"] else ""
    match error["type"]:
        case "extra_forbidden":
            return _unknown(str(last), _model_at(shape, error["loc"][:-1]).model_fields)
        case "missing":
            field = _model_at(shape, error["loc"][:-1]).model_fields[str(last)]
            return f"`{last}` is missing. {field.description}"
        case "value_error" if last == "zone":
            zones = available_timezones()
            return f"{_capital(context['error'])}.{did_you_mean(str(error['input']), zones)}"
        case "value_error":
            return f"{_capital(context['error'])}."
        case "string_type":
            if isinstance(error["input"], dict | list):
                return "Must be text, not a list or a mapping."
            return "Must be text: put it in quotes."
        case "bool_type":
            return "Must be true or false."
        case "int_type":
            return "Must be a whole number, without quotes."
        case "enum":
            words = [
                each.strip(" '") for each in context["expected"].replace(" or ", ",").split(",")
            ]
            return f"Must be one of {', '.join(words)}.{did_you_mean(str(error['input']), words)}"
        case "model_type" | "dict_type" | "model_attributes_type":
            return "Must be a mapping: `key: value`, each on its own line."
        case "tuple_type" | "list_type":
            return "Must be a list: `[one, another]`, or lines that begin with a hyphen."
        case "too_short":
            return "Must have at least one item."
        case "too_long":
            return f"Must have at most {context['max_length']} items."
        case "string_too_short":
            return "Must not be empty."
        case "string_too_long":
            return f"Must have at most {context['max_length']} characters."
        case "greater_than_equal":
            return f"Must be at least {context['ge']}."
        case "less_than_equal":
            return f"Must be at most {context['le']}."
        case "time_parsing" | "time_type":
            return 'Must be a time of day in quotes, such as "09:00".'
        case _:
            return f"{_capital(error['msg'])}."


def _unknown(word: str, known: Iterable[str]) -> str:
    words = list(known)
    hint = did_you_mean(word, words) or f" Known keys are {', '.join(words)}."
    return f'Unknown key "{word}".{hint}'


def _capital(error: object) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]


def _model_at(model: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel]:
    """The model that has the field of an error."""
    parts = iter(location)
    for part in parts:
        annotation = model.model_fields[str(part)].annotation
        inner, contained = _model_in(annotation)
        if contained:
            # Skip the key or number within the field.
            next(parts, None)
        model = inner or model
    return model


def _model_in(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The model in a field's type, and whether it is inside a mapping or list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    contained = get_origin(annotation) in (dict, tuple)
    for argument in get_args(annotation):
        inner, deeper = _model_in(argument)
        if inner is not None:
            return inner, contained or deeper
    return None, contained
