"""What every answer has by convention: the rules, without a function."""

import pytest

from opsknight.http import conventions

ALLOWED = conventions.origins("https://ops.example.com/, http://localhost:5173, *")
ASKED = {"origin": "https://ops.example.com", "access-control-request-method": "POST"}


def test_an_origin_is_exact() -> None:
    assert {"https://ops.example.com", "http://localhost:5173"} == ALLOWED
    assert conventions.origins("") == frozenset()


def test_a_preflight_is_answered_under_api_only() -> None:
    headers = conventions.preflight("OPTIONS", "/api/incidents", ASKED, ALLOWED)
    assert headers is not None
    assert headers["Access-Control-Allow-Origin"] == "https://ops.example.com"
    assert "PATCH" in headers["Access-Control-Allow-Methods"]
    assert "Authorization" in headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in headers
    assert conventions.preflight("OPTIONS", "/r/abc", ASKED, ALLOWED) is None
    assert conventions.preflight("OPTIONS", "/slack/actions", ASKED, ALLOWED) is None
    assert conventions.preflight("OPTIONS", "/api/incidents", ASKED, frozenset()) is None
    assert conventions.preflight("GET", "/api/incidents", ASKED, ALLOWED) is None
    stranger = ASKED | {"origin": "https://evil.example.com"}
    assert conventions.preflight("OPTIONS", "/api/incidents", stranger, ALLOWED) is None


def test_caches_are_told_that_the_origin_matters() -> None:
    for origin in ("https://ops.example.com", "https://evil.example.com"):
        found = conventions.cross_origin("/api/incidents", {"origin": origin}, ALLOWED)
        assert found["Vary"] == "Origin"
    assert conventions.cross_origin("/r/abc", ASKED, ALLOWED) == {}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("Invalid Integration Key", "invalid-integration-key"),
        ("Rate limit exceeded.", "rate-limit-exceeded"),
        ("API key missing scope", "api-key-missing-scope"),
    ],
)
def test_a_code_is_made_of_the_words(error: str, code: str) -> None:
    problem = conventions.problem(403, {"error": error, "message": "Why."})
    assert problem["error"] == error, "the words of the document stay"
    assert (problem["code"], problem["type"]) == (code, f"urn:opsknight:error:{code}")
    assert (problem["status"], problem["detail"]) == (403, "Why.")


def test_what_is_no_error_is_left_alone() -> None:
    assert conventions.problem(202, {"status": "success"}) == {"status": "success"}


def test_the_limit_in_the_form_of_the_draft() -> None:
    given = {"RateLimit-Limit": "120", "RateLimit-Remaining": "7", "RateLimit-Reset": "48"}
    assert conventions.headers(200, given) == {
        "RateLimit": '"minute";r=7;t=48',
        "RateLimit-Policy": '"minute";q=120;w=60',
    }
    assert conventions.headers(200, {}) == {}
