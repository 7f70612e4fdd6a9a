"""An incident's description: the details of its first alert as indented JSON."""

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsknight.incident.event_request import describe


def body(details: str) -> str:
    """A request whose `custom_details` are this JSON text."""
    return f'{{"event_action": "trigger", "payload": {{"custom_details": {details}}}}}'


@pytest.mark.parametrize(
    ("details", "description"),
    [
        ('{"host": "web-01", "cpu": 95.5}', '{\n  "host": "web-01",\n  "cpu": 95.5\n}'),
        ("{}", "{}"),
        ('{"a": [1, null, true]}', '{\n  "a": [\n    1,\n    null,\n    true\n  ]\n}'),
        ('{"s": "\\u00e9 & <b>"}', '{\n  "s": "é & <b>"\n}'),
        ('{"n": 1e400}', '{\n  "n": "1e400"\n}'),
        ('{"n": -1e400}', '{\n  "n": "-1e400"\n}'),
        ('{"n": 12345678901234567890123}', '{\n  "n": 12345678901234567890123\n}'),
        ('{"s": "\\ud800"}', '{\n  "s": "\N{REPLACEMENT CHARACTER}"\n}'),
        ('{"\\udfff": 1}', '{\n  "\N{REPLACEMENT CHARACTER}": 1\n}'),
        ('{"s": "\\ud83d\\ude00"}', '{\n  "s": "\N{GRINNING FACE}"\n}'),
        ('{"s": "\\u0000"}', '{\n  "s": "\\u0000"\n}'),
    ],
    ids=[
        "indented by two",
        "empty",
        "list",
        "text as sent",
        "no double holds it",
        "nor its negative",
        "a long integer",
        "lone surrogate",
        "lone surrogate in a name",
        "a whole pair",
        "NUL",
    ],
)
def test_details_as_json_that_can_be_read_and_stored(details: str, description: str) -> None:
    described = describe(body(details))
    assert described == description
    assert described.encode(), "no half of a surrogate pair"


@pytest.mark.parametrize("digits", [1000, 1001, 5000, 400_000], ids=str)
def test_an_integer_of_any_length_is_shown(digits: int) -> None:
    # Python refuses to convert over 4,300 digits, from text and back.
    described = describe(body('{"n": ' + "9" * digits + "}"))
    assert described is not None
    assert "9" * min(digits, 9000) in described


@pytest.mark.parametrize(
    "text",
    [body("null"), '{"payload": {}}'],
    ids=["null counts as absent", "absent"],
)
def test_no_description_without_details(text: str) -> None:
    assert describe(text) is None


@pytest.mark.parametrize("character", ["x", "\N{GRINNING FACE}"], ids=["ascii", "emoji"])
def test_cut_at_ten_thousand_characters(character: str) -> None:
    around = len('{\n  "s": ""\n}')
    fits = json.dumps({"s": character * (10_000 - around)})
    described = describe(body(fits))
    assert described is not None
    assert len(described) == 10_000
    assert described.endswith('"\n}')
    cut = describe(body(json.dumps({"s": character * (10_001 - around)})))
    assert cut is not None
    assert len(cut) == 10_003
    assert cut.endswith('"\n...'), "one character is cut, and it is said"


def test_details_as_deep_as_the_contract_allows() -> None:
    described = describe(body('{"a":' * 100 + "1" + "}" * 100))
    assert described is not None
    assert described.count('"a"') > 90, "indenting alone is over 10,000 characters"


details = st.dictionaries(
    st.text(max_size=4),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=400),
        lambda children: st.lists(children) | st.dictionaries(st.text(max_size=4), children),
        max_leaves=60,
    ),
)


@given(details, st.integers(1, 60))
def test_it_is_what_laying_out_everything_would_say(found: dict[str, object], times: int) -> None:
    found = {"list": [found] * times}
    whole = json.dumps(found, indent=2, ensure_ascii=False)
    assert describe(body(json.dumps(found))) == (
        whole if len(whole) <= 10_000 else whole[:10_000] + "..."
    )


def test_no_more_is_laid_out_than_is_shown() -> None:
    # Laid out to its end, this event of 240 KB is 24 MB, and Python holds several times that.
    deep = "[" * 97 + ",".join("1" * 120_000) + "]" * 97
    tracemalloc.start()
    try:
        described = describe(body(f'{{"a": {deep}}}'))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert described is not None
    assert len(described) == 10_003
    assert most < 5_000_000
