"""Time zones of another system."""

from pydantic import TypeAdapter, ValidationError

from opsknight.oncall.schedules import Zone

_ZONE: TypeAdapter[str] = TypeAdapter(Zone)


def known_zone(name: str | None) -> str | None:
    """The zone, if the tz database has it."""
    try:
        return _ZONE.validate_python(name) if name else None
    except ValidationError:
        return None
