"""JSON for programs is as it is; on a terminal it steers nothing."""

import io
import json

import pytest

from opsknight_cli.terminal.screen import Screen

TITLE = "a\x9b31mb\u202ec\u2066d\x7fe\x85f\u200fg \u00e9\U0001f525"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("lines", [False, True])
def test_json_on_a_terminal_escapes_what_steers_it(lines: bool) -> None:
    out = Terminal()
    screen = Screen(as_json=True, out=out)
    (screen.line if lines else screen.data)({"title": TITLE})
    said = out.getvalue()
    assert not set(said) & set("\x9b\u202e\u2066\x7f\x85\u200f")
    assert "\u00e9\U0001f525" in said
    assert json.loads(said) == {"title": TITLE}


def test_json_for_a_program_is_unchanged() -> None:
    out = io.StringIO()
    Screen(as_json=True, out=out).line({"title": TITLE})
    assert out.getvalue() == json.dumps({"title": TITLE}, ensure_ascii=False) + "\n"
