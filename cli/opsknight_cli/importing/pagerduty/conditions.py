"""The PagerDuty Condition Language as JMESPath. Pure.

Its words compare without regard to capitals, unless they say `exactly`, and numbers as their
digits. What JMESPath cannot say, such as most regular expressions, times and counts, is Beyond.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from opsknight_cli.importing.expressions import TEXTS, Beyond, literal

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:\\.|[^'\\])*')|(?P<number>-?\d+(?:\.\d+)?(?:e-?\d+)?)|(?P<sign>[<>]=?|==|[()])"
    r"|(?P<path>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*|\['(?:\\.|[^'\\])*'\]|\[\d+\])*))"
)
_STEP: Final = re.compile(r"\.?([A-Za-z_]\w*)|\['((?:\\.|[^'\\])*)'\]|\[(\d+)\]")
_WORDS: Final = frozenset(
    {"and", "or", "not", "matches", "part", "regex", "exactly", "exists", "in", "over", "now"}
)
# The event itself has these fields; everything else is in its payload.
_OF_THE_EVENT: Final = frozenset({"dedup_key", "event_action", "client", "client_url", "links"})
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def condition(expression: str) -> str:
    """Raises Beyond."""
    reader = _Reader([*_tokens(expression)])
    found = reader.either()
    reader.end()
    return found


def _tokens(expression: str) -> Iterator[_Token]:
    at, text = 0, expression.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise Beyond(f"`{text[at:].strip()[:40]}`")
        kind = str(found.lastgroup)
        word = found[kind]
        yield _Token("word" if kind == "path" and word in _WORDS else kind, word)
        at = found.end()


@dataclass
class _Reader:
    tokens: list[_Token]
    at: int = 0

    def either(self) -> str:
        parts = [self._all()]
        while self._takes("or"):
            parts.append(self._all())
        return " || ".join(parts)

    def end(self) -> None:
        if self.at < len(self.tokens):
            raise Beyond(f"`{self.tokens[self.at].text}`")

    def _all(self) -> str:
        parts = [self._one()]
        while self._takes("and"):
            parts.append(self._one())
        return " && ".join(parts)

    def _one(self) -> str:
        if self._takes("not"):
            return f"!({self._one()})"
        if self._takes("("):
            inner = self.either()
            if not self._takes(")"):
                raise Beyond("a parenthesis that is not closed")
            return f"({inner})"
        path = _path(self._next("path").text)
        if self._takes("exists"):
            return f"{path} != `null`"
        if self._takes("matches"):
            return self._matches(path)
        sign = self._next("sign").text
        value = self._next()
        match value.kind:
            case "text":
                return f"{path} {sign} {literal(_unquoted(value.text))}"
            case "number":
                return f"{path} {sign} `{value.text}`"
            case "path" if value.text in ("true", "false"):
                return f"{path} {sign} `{value.text}`"
            case _:
                raise Beyond(f"`{value.text}`")

    def _matches(self, path: str) -> str:
        part, regex = self._takes("part"), self._takes("regex")
        exactly = self._takes("exactly")
        wanted = _unquoted(self._next("text").text)
        if regex and not TEXTS.fullmatch(wanted):
            raise Beyond(f"the regular expression `{wanted}`")
        whole = f"joined('', {path})" if exactly else f"lower({path})"
        wanted = wanted if exactly else wanted.lower()
        if not part and not regex:
            return f"{whole} == {literal(wanted)}"
        texts = wanted.split("|") if regex else [wanted]
        # Without a value nothing is in it; and a function that fails would take the rest with it.
        found = [f"contains({whole} || '', {literal(each)})" for each in texts]
        return found[0] if len(found) == 1 else f"({' || '.join(found)})"

    def _takes(self, text: str) -> bool:
        if self.tokens[self.at : self.at + 1] not in (
            [_Token("word", text)],
            [_Token("sign", text)],
        ):
            return False
        self.at += 1
        return True

    def _next(self, kind: str | None = None) -> _Token:
        if self.at == len(self.tokens):
            raise Beyond("an expression that breaks off")
        token = self.tokens[self.at]
        if kind is not None and token.kind != kind:
            raise Beyond(f"`{token.text}`")
        self.at += 1
        return token


def _path(text: str) -> str:
    steps = [
        (name or re.sub(r"\\(.)", r"\1", quoted or ""), number)
        for name, quoted, number in _STEP.findall(text)
    ]
    (root, _), *rest = steps
    if root not in ("event", "raw_event") or not rest:
        raise Beyond(f"`{text}`")
    if root == "event" and rest[0][0] not in _OF_THE_EVENT:
        rest.insert(0, ("payload", ""))
    written = "".join(
        f"[{number}]" if number else f".{name if _NAME.fullmatch(name) else json.dumps(name)}"
        for name, number in rest
    )
    return written.removeprefix(".")


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])
