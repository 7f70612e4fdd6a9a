"""YAML as plain data, with the place of each part.

This is YAML 1.2: `no` is a word, and `22:00` is text. Keys are always text. Duplicate keys, tags,
and aliases that contain themselves are problems: no configuration needs them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, ClassVar, Final, NoReturn

import yaml

from opsknight.classes import dataclass
from opsknight.config.configuration import Path
from opsknight.config.finding import Severity
from opsknight.files import syntax
from opsknight.files.problems import Place, Problem

# A few aliases of aliases, or merges of merges, can expand to billions of nodes.
MOST_NODES: Final = 200_000
MOST_PROBLEMS: Final = 200
# No part of ours is deeper than ten, and the C code of the library ends the program at many more.
DEEPEST: Final = 50
_TOO_DEEP: Final = (
    "This is nested too deeply for a configuration: nothing in one is deeper than 10."
)
_TOO_MUCH: Final = (
    f"This is too much for a configuration, which has at most {MOST_NODES:,} keys and values once "
    "aliases are written out: nothing of it was read."
)
_TOO_MANY: Final = (
    f"These are {MOST_PROBLEMS} problems, and the rest was not read: mend them, and check it again."
)
# Not in YAML 1.2, but in the files that people know.
MERGE: Final = "<<"


@dataclass(frozen=True, slots=True)
class Document:
    """One file, or several combined. `data` is the content of the YAML, unchecked."""

    data: dict[str, Any]
    places: Mapping[Path, Place]
    problems: Sequence[Problem]
    repeated: frozenset[Path] = frozenset()
    """The paths of which a second content was left out."""

    def place(self, path: Path) -> Place:
        """The place of a path, or else of the nearest part that contains it."""
        while path not in self.places:
            path = path[:-1]
        return self.places[path]


_TAG: Final = "tag:yaml.org,2002:"
TEXT: Final = f"{_TAG}str"
# The core schema of YAML 1.2: a tag, its pattern, and the first characters of such words.
_SCHEMA: Final = (
    ("null", re.compile(r"(?:null|Null|NULL|~|)$"), ["n", "N", "~", ""]),
    ("bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    ("int", re.compile(r"[-+]?[0-9]+$"), list("-+0123456789")),
    (
        "float",
        re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$"),
        list("-+.0123456789"),
    ),
)


# The library's own resolver speaks YAML 1.1.
class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}


for _tag, _pattern, _first in _SCHEMA:
    _Loader.add_implicit_resolver(f"{_TAG}{_tag}", _pattern, _first)
_PATTERNS: Final = {f"{_TAG}{tag}": pattern for tag, pattern, _ in _SCHEMA}


def is_text(word: str) -> bool:
    """Whether an unquoted word is text."""
    return not any(pattern.match(word) for _, pattern, _ in _SCHEMA)


def read(texts: Mapping[str, str]) -> Document:
    """Combines several files. A section may be spread over them, but a name may not repeat."""
    reader = _Reader()
    data: dict[str, Any] = {}
    try:
        for file, text in texts.items():
            reader.places.setdefault((), Place(file, 1, 1))
            for section, content in reader.read(file, text).items():
                known = data.get(section)
                if section not in data:
                    data[section] = content
                elif isinstance(known, dict) and isinstance(content, dict):
                    known |= content
                elif content is not None:
                    data[section] = content
    except _Stopped:
        # Of a part, it would be said that it refers to what was not read.
        data = {}
    return Document(data, reader.places, reader.problems, frozenset(reader.repeated))


class _Stopped(Exception):
    """The rest is not read; the last problem says why."""


def _too_large(text: str) -> Iterator[tuple[Any, str]]:
    """The mark of the first part that is too deep or too much, and a sentence. The parser, unlike
    what builds nodes, needs no stack.
    """
    depth = nodes = 0
    for event in yaml.parse(text, Loader=_Loader):
        nodes += isinstance(event, yaml.NodeEvent)
        if nodes > MOST_NODES:
            yield event.start_mark, _TOO_MUCH
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                yield event.start_mark, _TOO_DEEP
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


@dataclass(slots=True)
class _Reader:
    places: dict[Path, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    repeated: set[Path] = field(default_factory=set)
    _said: set[tuple[Place, str]] = field(default_factory=set)
    _file: str = ""
    _nodes: int = 0

    def read(self, file: str, text: str) -> dict[str, Any]:
        self._file = file
        try:
            for mark, sentence in _too_large(text):
                self._problem(self._at(mark), (), sentence)
                return {}
            loader = _Loader(text)
            try:
                node = loader.get_single_node()
            finally:
                loader.dispose()
        except yaml.MarkedYAMLError as error:
            line, column, sentence = syntax.explained(error, text)
            self._problem(Place(file, line, column), (), sentence)
            return {}
        except yaml.reader.ReaderError as error:
            line, sentence = syntax.unreadable(error, text)
            self._problem(Place(file, line, 1), (), sentence)
            return {}
        if node is None:
            return {}
        if not isinstance(node, yaml.MappingNode):
            sentence = "A configuration must be a mapping of sections, such as `services:`."
            self._problem(self._at(node.start_mark), (), sentence)
            return {}
        content: dict[str, Any] = self._mapping(node, (), frozenset())
        return content

    def _value(self, node: yaml.Node, path: Path, above: frozenset[int]) -> Any:
        self._count(node, path)
        if len(path) > DEEPEST:
            self._problem(self._at(node.start_mark), path[:DEEPEST], _TOO_DEEP)
            return None
        if id(node) in above:
            said = "This alias contains itself: write it out."
            self._problem(self._at(node.start_mark), path, said)
            return None
        match node:
            case yaml.MappingNode():
                return self._mapping(node, path, above | {id(node)})
            case yaml.SequenceNode():
                self._tagged(node, path, "seq")
                inner = above | {id(node)}
                for number, each in enumerate(node.value):
                    self.places[*path, number] = self._at(each.start_mark)
                return [
                    self._value(each, (*path, number), inner)
                    for number, each in enumerate(node.value)
                ]
            case yaml.ScalarNode():
                return self._scalar(node, path)
            case _:
                raise TypeError(f"unknown YAML node {type(node).__name__}")

    def _mapping(self, node: yaml.MappingNode, path: Path, above: frozenset[int]) -> dict[str, Any]:
        self._tagged(node, path, "map")
        found: dict[str, Any] = {}
        merged: list[dict[str, Any]] = []
        for key, value in node.value:
            self._count(key, path)
            place = self._at(key.start_mark)
            if not isinstance(key, yaml.ScalarNode):
                self._problem(place, path, "A key must be a single word of text.")
                continue
            name = str(key.value)
            inner = (*path, name)
            if name == MERGE and not key.style:
                merged += self._merged(value, path, place, above)
                continue
            first = self.places.get(inner)
            # Several files may share a section, but nothing inside it.
            spread = not path and first is not None and first.file != self._file
            if first is not None and not spread:
                mend = "Remove one of them, or choose another name."
                if not path:
                    mend = "Put everything under the first one."
                sentence = (
                    f'"{name}" appears twice, first in {first.file}, line {first.line}. {mend}'
                )
                self._problem(place, inner, sentence)
                self.repeated.add(inner)
                continue
            self.places.setdefault(inner, place)
            found[name] = self._value(value, inner, above)
        whole: dict[str, Any] = {}
        for each in reversed(merged):
            whole |= each
        return whole | found

    def _merged(
        self, node: yaml.Node, path: Path, place: Place, above: frozenset[int]
    ) -> Iterator[dict[str, Any]]:
        """What `<<: *alias` or `<<: [*one, *another]` brings; of several, the first counts."""
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for each in sources:
            self._count(each, path)
            if id(each) in above:
                said = f"`{MERGE}` refers to the mapping that it is in: name another anchor."
                self._problem(place, path, said)
            elif len(above) > DEEPEST:
                self._problem(place, path, _TOO_DEEP)
            elif isinstance(each, yaml.MappingNode):
                # These parts have their places where they are written. What is wrong with them is
                # said once, and a mapping without an anchor is read only here.
                places, self.places = self.places, {}
                try:
                    brought = self._mapping(each, path, above | {id(each)})
                finally:
                    self.places = places
                yield brought
            else:
                said = f"`{MERGE}` needs a mapping: `{MERGE}: *anchor`."
                self._problem(place, path, said)

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> str | int | float | bool | None:
        text, tag = str(node.value), str(node.tag)
        if tag in _PATTERNS and not _PATTERNS[tag].fullmatch(text):
            # Only where the tag is written: without one, it follows from the text.
            said = f'"{text[:60]}" is not what its tag says, {_short(tag)}: remove the tag.'
            self._problem(self._at(node.start_mark), path, said)
            return text
        match tag.removeprefix(_TAG):
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int" if len(text) < 20:
                return int(text)
            case "float":
                return float(text)
            case "str" | "int":
                return text
            case _:
                self._tagged(node, path, "str")
                return text

    def _tagged(self, node: yaml.Node, path: Path, fits: str) -> None:
        if node.tag != f"{_TAG}{fits}":
            sentence = f"Tags such as {_short(str(node.tag))} are not supported: remove it."
            self._problem(self._at(node.start_mark), path, sentence)

    def _count(self, node: yaml.Node, path: Path) -> None:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            self._stop(self._at(node.start_mark), path, _TOO_MUCH)

    def _at(self, mark: Any) -> Place:
        return Place(self._file, mark.line + 1, mark.column + 1)

    def _problem(self, place: Place, path: Path, sentence: str) -> None:
        if (place, sentence) in self._said:
            return  # However many aliases lead there.
        self._said.add((place, sentence))
        self.problems.append(Problem(Severity.ERROR, place, path, sentence))
        if len(self.problems) >= MOST_PROBLEMS:
            self._stop(place, path, _TOO_MANY)

    def _stop(self, place: Place, path: Path, sentence: str) -> NoReturn:
        self.problems.append(Problem(Severity.ERROR, place, path, sentence))
        raise _Stopped


def _short(tag: str) -> str:
    return tag.replace(_TAG, "!!", 1)
