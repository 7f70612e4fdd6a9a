"""Which route a request finds: by its path, its ids and its method."""

import pytest

from opsknight.http.gateway import Failure, HttpError, Request
from opsknight.http.routes import Route, Router

ROUTER = Router(
    [
        Route(method=method, path=path, name="", handler=number, summary="", replies=())
        for number, (method, path) in enumerate(
            [
                ("GET", "/api/things"),
                ("GET", "/api/things/{thingId}"),
                ("PATCH", "/api/things/{thingId}"),
                ("POST", "/api/things/{thingId}/open"),
                ("DELETE", "/api/things/{thingId}/parts/{partId}"),
            ]
        )
    ]
)


def request(method: str, path: str) -> Request:
    return Request("req_1", method, path, {}, b"")


@pytest.mark.parametrize(
    ("method", "path", "number", "ids"),
    [
        ("GET", "/api/things", 0, ()),
        ("GET", "/api/things/a-1_B", 1, ("a-1_B",)),
        ("PATCH", "/api/things/open", 2, ("open",)),
        ("POST", "/api/things/a/open", 3, ("a",)),
        ("DELETE", "/api/things/a/parts/b", 4, ("a", "b")),
    ],
)
def test_a_route_is_found_with_its_ids(
    method: str, path: str, number: int, ids: tuple[str, ...]
) -> None:
    route, found = ROUTER.find(request(method, path))
    assert (route.handler, found) == (number, ids)


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "/api", "/api/things/", "//api/things", "/api/Things", "/api/things/a/shut"),
        *("/api/things/a b", "/api/things/\u00e4", "/api/things/%61", f"/api/things/{'a' * 101}"),
        *("/api/things/a\n", "/api/things/{thingId}", "/api/things/a/parts", "/api/things/a/open/"),
    ],
    ids=ascii,
)
def test_another_path_is_404(path: str) -> None:
    with pytest.raises(HttpError) as raised:
        ROUTER.find(request("GET", path))
    assert raised.value.answer.status == 404


def test_another_method_is_405_and_says_which_are_allowed() -> None:
    with pytest.raises(HttpError) as raised:
        ROUTER.find(request("POST", "/api/things/a"))
    answer = raised.value.answer
    assert (answer.status, dict(answer.headers)) == (405, {"Allow": "GET, PATCH"})
    assert isinstance(answer.body, Failure)
    assert answer.body.error == "Method not allowed"
