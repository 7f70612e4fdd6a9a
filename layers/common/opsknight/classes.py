"""`dataclass`, for functions that have to start quickly.

The standard library writes the methods of a class as text and compiles it when the class is
defined: for a frozen one 3.5 million instructions, which was half of what our modules added to a
cold start. Most classes of a process are never made, compared or shown. Here the standard library
writes each method when it is first called, and everything else is as usual (ADR 70).

mypy sees the decorator of the standard library.
"""

from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError, fields, make_dataclass
from dataclasses import dataclass as standard
from typing import TYPE_CHECKING, Any, Final, NoReturn

_ORDER: Final = ("__lt__", "__le__", "__gt__", "__ge__")

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(
        cls=None, /, *, frozen=False, slots=False, kw_only=False, eq=True, order=False, repr=True
    ):
        """The arguments are those of the standard library."""

        def made(cls):
            # Without a text of its own a class gets its signature as text, which takes long.
            # pydantic takes what begins like this for no description.
            cls.__doc__ = cls.__doc__ or f"{cls.__name__}(...)"
            found = standard(init=False, repr=False, eq=False, slots=slots, kw_only=kw_only)(cls)
            # With slots, `__init__` sets the defaults of fields that are no arguments, too.
            options = {"frozen": frozen, "slots": slots}
            written = ["__init__"]
            written += ["__repr__"] if repr else []
            written += ["__eq__"] if eq else []
            written += ["__hash__"] if eq and frozen else []
            written += _ORDER if order else []
            for name in written:
                if name not in cls.__dict__:
                    setattr(found, name, _written_later(found, name, options))
            if eq and not frozen:
                found.__hash__ = None
            if frozen:
                found.__setattr__, found.__delattr__ = _refuse_to_set, _refuse_to_delete
                found.__getstate__, found.__setstate__ = _state, _set_state
            return found

        return made if cls is None else made(cls)


def _written_later(cls: type, name: str, options: Mapping[str, bool]) -> Callable[..., Any]:
    def first_call(self: object, *args: Any, **kwargs: Any) -> Any:
        method = _written(cls, name, options)
        # Of two threads that both come first, either's will do.
        setattr(cls, name, method)
        return method(self, *args, **kwargs)

    return first_call


def _written(cls: Any, name: str, options: Mapping[str, bool]) -> Callable[..., Any]:
    """The method that the standard library writes for a class with the same fields."""
    after = {"__post_init__": cls.__post_init__} if hasattr(cls, "__post_init__") else {}
    twin = make_dataclass(
        cls.__qualname__.rpartition(".")[2],
        [(each.name, each.type, each) for each in fields(cls)],
        namespace={"__doc__": cls.__doc__} | after,
        init=name == "__init__",
        repr=name == "__repr__",
        eq=name in ("__eq__", "__hash__", *_ORDER),
        order=name in _ORDER,
        frozen=options["frozen"],
        slots=options["slots"],
    )
    method: Callable[..., Any] = getattr(twin, name)
    method.__qualname__ = f"{cls.__qualname__}.{name}"
    return method


def _refuse_to_set(_: object, name: str, __: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_: object, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


# To copy a frozen instance with slots; the usual way would set its attributes.
def _state(self: Any) -> list[object]:
    return [getattr(self, each.name) for each in fields(self)]


def _set_state(self: Any, state: list[object]) -> None:
    for each, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, each.name, value)
