"""Services in shadow for the weeks in which both systems run."""

from dataclasses import replace
from datetime import datetime

from opsknight.config.configuration import Configuration
from opsknight.config.lint import LONGEST_SHADOW
from opsknight.directory.entries import Service
from opsknight_cli.importing.outcome import Imported
from opsknight_cli.session import UsageError
from opsknight_cli.terminal.times import UTC_ZONE, moment


def end_of_shadow(text: str, now: datetime) -> datetime:
    """Raises UsageError."""
    until = moment(text, now, UTC_ZONE)
    if not now < until <= now + LONGEST_SHADOW:
        days = LONGEST_SHADOW.days
        raise UsageError(f'"{text}" is no end of a shadow: it must be within the next {days} days.')
    # Seconds would stand in each service of the file.
    return until.replace(second=0, microsecond=0)


def in_shadow(made: Imported, until: datetime) -> Imported:
    entries = (
        each.model_copy(update={"shadow_until": until}) if isinstance(each, Service) else each
        for each in made.configuration.entries()
    )
    return replace(made, configuration=Configuration.of(entries))
