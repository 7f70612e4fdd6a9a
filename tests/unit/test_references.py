"""The links of an event, and its details as people read them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsknight.incident.event_request import describe
from opsknight.incident.references import Reference, details, is_address, references


def body(details: object = None, **more: Any) -> str:
    payload = {"summary": "x", "source": "y", "severity": "error"}
    return json.dumps({"payload": payload | {"custom_details": details}, **more})


def test_runbook_and_dashboard_come_first_whoever_named_them() -> None:
    sent = body(
        {"panel": "https://graphs.example/p", "runbook_url": "https://wiki.example/disk"},
        links=[{"href": "https://trace.example/1", "text": "Trace"}],
        images=[{"src": "https://graphs.example/p.png", "alt": "The last hour"}],
        client="Prometheus",
        client_url="https://prometheus.example/alerts",
    )
    found = references(sent, "https://wiki.example/checkout", "https://graphs.example/checkout")
    assert found == (
        Reference("Runbook", "https://wiki.example/disk"),
        Reference("Runbook of the service", "https://wiki.example/checkout"),
        Reference("Dashboard", "https://graphs.example/checkout"),
        Reference("Panel", "https://graphs.example/p"),
        Reference("Trace", "https://trace.example/1"),
        Reference("The last hour", "https://graphs.example/p.png", image=True),
        Reference("Prometheus", "https://prometheus.example/alerts"),
    )


def test_a_link_without_a_name_is_called_by_its_host() -> None:
    sent = body({"url": "https://a.example/1"}, links=[{"href": "https://b.example/2"}])
    assert [each.label for each in references(sent)] == ["A.example", "B.example"]


def test_an_address_is_named_once() -> None:
    sent = body({"runbook": "https://wiki.example/a"}, client_url="https://wiki.example/a")
    assert len(references(sent, "https://wiki.example/a")) == 1


@pytest.mark.parametrize(
    "value",
    [
        "javascript:alert(1)",
        "http://",
        "https://a b.example",
        "https://ä.example",
        "https://[",
        "https://bank.example@evil.example/",
        "https://a.example/" + "x" * 2000,
        "see https://a.example",
        17,
        None,
        ["https://a.example"],
    ],
)
def test_what_cannot_be_followed_is_no_link(value: Any) -> None:
    sent = body(
        {"runbook": value},
        links=[{"href": value}, value],
        images=[{"src": value}],
        client_url=value,
    )
    assert references(sent, value if isinstance(value, str) else None) == ()


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
        ),
        max_leaves=20,
    )
)
def test_whatever_a_sender_wrote_is_read(value: Any) -> None:
    sent = body(value, links=value, images=value, client_url=value, client=value)
    for each in references(sent):
        assert is_address(each.url)
    text = details(sent)
    assert text is None or len(text) <= 10_003
    (text or "").encode()


def test_details_are_lines_and_a_stack_trace_reads_as_one() -> None:
    trace = 'Traceback:\n  File "a.py", line 1\nValueError: no'
    sent = body(
        {
            "host": "web-01",
            "ok": True,
            "load": 4.7,
            "tags": ["a", "b"],
            "trace": trace,
            "labels": {"team": "web", "none": None},
            "rows": [{"id": 1}, {"id": 2}],
        }
    )
    assert details(sent) == "\n".join(
        [
            "host: web-01",
            "ok: true",
            "load: 4.7",
            "tags: a, b",
            "trace:",
            "  Traceback:",
            '    File "a.py", line 1',
            "  ValueError: no",
            "labels:",
            "  team: web",
            "  none: none",
            "rows:",
            "  -",
            "    id: 1",
            "  -",
            "    id: 2",
        ]
    )
    assert describe(sent) is not None


def test_half_a_megabyte_of_details_is_cut() -> None:
    text = details(body({f"key{number}": "x" * 100 for number in range(5000)}))
    assert text is not None
    assert len(text) == 10_003
    nested: Any = "x"
    for _ in range(98):
        nested = {"a": nested, "b": [1] * 50}
    assert len(details(body(nested)) or "") <= 10_003


@pytest.mark.parametrize("found", [None, {}, [], "text"])
def test_without_details_there_are_none(found: Any) -> None:
    assert details(body(found)) is None


def test_links_of_one_name_are_told_apart() -> None:
    details = {"dashboard": "https://g.example/event", "Dashboard": "https://g.example/other"}
    body = json.dumps({"payload": {"custom_details": details}})
    found = references(body, "https://w.example/book", "https://g.example/service")
    assert [(each.label, each.url) for each in found] == [
        ("Runbook", "https://w.example/book"),
        ("Dashboard", "https://g.example/event"),
        ("Dashboard 2", "https://g.example/other"),
        ("Dashboard of the service", "https://g.example/service"),
    ]
