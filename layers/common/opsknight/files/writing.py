"""The data of a configuration as readable YAML, valid in versions 1.1 and 1.2: text that 1.1 would
read as a number or a boolean is in quotes.
"""

from typing import Any, Final

import yaml

from opsknight.files.describing import Data, Quoted
from opsknight.files.reading import TEXT, is_text

_WIDTH: Final = 96
# Mappings with at most this many short values stand on one line: `ada: {lead: true}`.
_SHORT: Final = 3


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        # Indent lists under their key.
        del indentless
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def _is_flat(values: Any) -> bool:
    return all(isinstance(each, str | int | bool) for each in values)


def _mapping(dumper: _Dumper, data: dict[str, Any]) -> yaml.Node:
    flow = not data or (
        len(data) <= _SHORT
        and _is_flat(data.values())
        and sum(len(str(each)) for each in data.values()) < _WIDTH // 2
    )
    return dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=flow)


def _sequence(dumper: _Dumper, data: list[Any]) -> yaml.Node:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=_is_flat(data))


def _quoted(dumper: _Dumper, data: Quoted) -> yaml.Node:
    return dumper.represent_scalar(TEXT, str(data), style='"')


def _text(dumper: _Dumper, data: str) -> yaml.Node:
    # The dumper resolves by YAML 1.1, and `is_text` by 1.2. Quote unless both read text.
    resolve: Any = dumper.resolve
    plain = resolve(yaml.ScalarNode, data, (True, False)) == TEXT and is_text(data)
    return dumper.represent_scalar(TEXT, data, style=None if plain else '"')


_Dumper.add_representer(str, _text)
_Dumper.add_representer(dict, _mapping)
_Dumper.add_representer(list, _sequence)
_Dumper.add_representer(Quoted, _quoted)


def written(document: Data) -> str:
    """The YAML of a configuration, with an empty line between sections."""
    parts = [block({section: content}) for section, content in document.items()]
    return "\n".join(parts) or "{}\n"


def inline(value: Any) -> str:
    """A value on one line, for people."""
    match value:
        case str():
            return value
        case bool():
            return str(value).lower()
        case list():
            return f"[{', '.join(map(inline, value))}]"
        case dict():
            return f"{{{', '.join(f'{name}: {inline(each)}' for name, each in value.items())}}}"
        case _:
            return str(value)


def block(data: Any) -> str:
    text: str = yaml.dump(
        data,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=_WIDTH,
        default_flow_style=False,
    )
    return text
