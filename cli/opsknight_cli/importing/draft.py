"""What an import has made so far: entries with names that fit, and what was lost on the way."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from opsknight.config.configuration import Configuration, Entry, Kind, id_of
from opsknight.directory.entries import Member, Role, Service, Team, User
from opsknight.escalation.policy import TargetKind
from opsknight.files.values import LONGEST_SLUG, slugged
from opsknight.oncall.schedules import Override
from opsknight_cli.importing.outcome import (
    Comparison,
    Harm,
    Imported,
    Loss,
    PlannedWindow,
    Source,
)
from opsknight_cli.terminal.screen import printable

LONGEST_TITLE: Final = 200
# Whoever is in no team there is in this one here: a page to a team reaches nobody by it.
WITHOUT_TEAM: Final = "without-team"
# Letters that are no combination of another one and a mark.
_LETTERS: Final = str.maketrans(
    {
        "\N{LATIN SMALL LETTER DOTLESS I}": "i",
        "ß": "ss",
        "ø": "o",
        "Ø": "O",
        "ł": "l",
        "Ł": "L",
        "æ": "ae",
        "đ": "d",
        "þ": "th",
    }
)


def title(text: str, otherwise: str) -> str:
    """The text as a name in the file."""
    line = "".join(each for each in " ".join(text.split()) if each.isprintable())
    return line[:LONGEST_TITLE].strip() or otherwise


@dataclass
class Names:
    """Gives each thing a key of its own, like its name there."""

    _taken: set[str] = field(default_factory=set)

    def slug(self, text: str, otherwise: str) -> str:
        wanted = slugged(text.translate(_LETTERS)) or slugged(otherwise) or "unnamed"
        slug, number = wanted, 1
        while slug in self._taken:
            number += 1
            end = f"-{number}"
            slug = wanted[: LONGEST_SLUG - len(end)].rstrip("-") + end
        self._taken.add(slug)
        return slug


@dataclass
class Draft:
    system: str
    losses: list[Loss] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    overrides: dict[str, list[Override]] = field(default_factory=dict)
    windows: list[PlannedWindow] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    _entries: list[Entry] = field(default_factory=list)
    _names: dict[Kind, Names] = field(default_factory=dict)
    _team_id: str | None = None

    def name(self, kind: Kind, text: str, otherwise: str) -> str:
        """An id that no other entry of this kind has."""
        return id_of(kind, self._names.setdefault(kind, Names()).slug(text, otherwise))

    def add(self, entry: Entry) -> None:
        self._entries.append(entry)

    def change_service(self, service_id: str, **changes: object) -> None:
        self._entries = [
            each.model_copy(update=changes)
            if isinstance(each, Service) and each.id == service_id
            else each
            for each in self._entries
        ]

    def lose(self, harm: Harm, where: str, sentence: str) -> None:
        self.losses.append(Loss(harm, where, sentence))

    def lose_page(self, where: str, sentence: str) -> None:
        self.lose(Harm.NOT_PAGED, where, sentence)

    def page_otherwise(self, where: str, sentence: str) -> None:
        self.lose(Harm.PAGED_OTHERWISE, where, sentence)

    def page_more(self, where: str, sentence: str) -> None:
        self.lose(Harm.PAGED_MORE, where, sentence)

    def leave(self, where: str, sentence: str) -> None:
        self.lose(Harm.LEFT_BEHIND, where, sentence)

    def plan_override(self, schedule_id: str, override: Override) -> None:
        self.overrides.setdefault(schedule_id, []).append(override)

    @property
    def team_without(self) -> str:
        """The id of the team of those who are in none, for what belongs to no team."""
        if self._team_id is None:
            self._team_id = self.name(Kind.TEAM, WITHOUT_TEAM, WITHOUT_TEAM)
        return self._team_id

    def so_far(self) -> Configuration:
        return Configuration.of(self._entries)

    def done(self) -> Imported:
        configuration = Configuration.of(self._entries)
        alone = [*_outside_of_teams(configuration)]
        if alone or self._team_id is not None:
            members = tuple(Member(user_id=each, pages=False) for each in alone)
            team = Team(id=self.team_without, name=f"In no team in {self.system}", members=members)
            configuration = Configuration.of([*self._entries, team])
        return Imported(
            system=self.system,
            configuration=configuration,
            losses=sorted(map(_cleaned, self.losses), key=_by_harm),
            sources=[
                replace(each, was=printable(each.was), kind=printable(each.kind))
                for each in self.sources
            ],
            overrides=self.overrides,
            windows=self.windows,
            comparisons=[replace(each, name=printable(each.name)) for each in self.comparisons],
        )


def _cleaned(loss: Loss) -> Loss:
    """Names are others' words: none steers a terminal, or ends a line of a table."""
    return Loss(loss.harm, printable(loss.where), printable(loss.sentence))


def _by_harm(loss: Loss) -> tuple[int, str]:
    return list(Harm).index(loss.harm), loss.where


def _outside_of_teams(configuration: Configuration) -> Iterable[str]:
    """Those who are paged, or see only what belongs to their teams, and are in none."""
    members = {each.user_id for team in configuration.teams.values() for each in team.members}
    paged = {
        user_id
        for schedule in configuration.schedules.values()
        for layer in schedule.layers
        for user_id in layer.users
    }
    paged |= {
        target.id
        for policy in configuration.policies.values()
        for step in policy.steps
        for target in step.targets
        if target.kind is TargetKind.USER
    }
    for user in configuration.users.values():
        if user.id not in members and (user.id in paged or _sees_teams(user)):
            yield user.id


def _sees_teams(user: User) -> bool:
    return user.role is Role.USER
