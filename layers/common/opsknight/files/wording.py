"""The sentence for each error that the library finds in the data of a file."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, get_args, get_origin
from zoneinfo import available_timezones

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from opsknight.config.spelling import did_you_mean, meant
from opsknight.files.values import Shape, time_of_day

# Munich is nearer to Zurich than any misspelt city to itself.
_CITIES_ALIKE: Final = 0.75


def sentence(error: ErrorDetails, shape: type[Shape]) -> str:
    context = error.get("ctx", {})
    last = error["loc"][-1] if error["loc"] else ""
    given = error["input"]
    match error["type"]:
        case "extra_forbidden":
            return unknown(str(last), model_at(shape, error["loc"][:-1]).model_fields)
        case "missing":
            field = model_at(shape, error["loc"][:-1]).model_fields[str(last)]
            return f"`{last}` is missing. {field.description}"
        case "value_error" if last == "zone":
            return _zone(str(given))
        case "value_error":
            return f"{capital(context['error'])}."
        case "string_type":
            if isinstance(given, dict | list):
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
            return f"Must be one of {', '.join(words)}.{did_you_mean(str(given), words)}"
        case "model_type" | "dict_type" | "model_attributes_type":
            return _mapping(given, _field_at(shape, error["loc"]))
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
            return _time(given)
        case _:
            return f"{capital(error['msg'])}."


def unknown(word: str, known: Iterable[str]) -> str:
    words = list(known)
    hint = did_you_mean(word, words) or f" Known keys are {', '.join(words)}."
    return f'Unknown key "{word}".{hint}'


def capital(error: object) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]


def _zone(given: str) -> str:
    region, _, city = given.rpartition("/")
    # Cities of one region resemble each other, so only the city counts.
    cities = {
        name.rpartition("/")[2]: name
        for name in sorted(available_timezones())
        if not region or name.rpartition("/")[0].lower() == region.lower()
    }
    said = f'"{given[:60]}" is not a time zone.'
    guess = meant(city, cities, _CITIES_ALIKE)
    if guess is not None:
        return f'{said} Did you mean "{cities[guess]}"?'
    return (
        f"{said} Zones are named after one city of each region: all of Germany, for example, is "
        "Europe/Berlin."
    )


def _time(given: object) -> str:
    said = 'Must be a time of day from "00:00" to "23:59", in quotes.'
    if isinstance(given, str):
        said = 'Must be a time of day from "00:00" to "23:59".'
    guess = time_of_day(str(given))
    return said if guess is None else f'{said} Did you mean "{guess}"?'


def _mapping(given: object, field: FieldInfo | None) -> str:
    more = f" {field.description}" if field is not None and field.description else ""
    if isinstance(given, list):
        return f"Must be a mapping, not a list: a line `name: ...` for each.{more}"
    return f"Must be a mapping: `key: value`, each on its own line.{more}"


def _field_at(shape: type[Shape], location: Sequence[int | str]) -> FieldInfo | None:
    """The field of an error; None if the error is in an item of the field."""
    if not location:
        return None
    try:
        model = model_at(shape, tuple(location[:-1]))
    except KeyError:
        return None
    return model.model_fields.get(str(location[-1]))


def model_at(model: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel]:
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
