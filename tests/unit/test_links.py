"""The token of a link: what it says, and that nobody but us can say it."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsknight.notification.delivery import delivery_id
from opsknight.notification.signed_link import LIFE, BadLink, ExpiredLink, read, token, whole
from opsknight.store.bundles import LARGEST_BUNDLE
from respond.visit import LARGEST_FORM

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
KEY, OTHER = b"k" * 32, b"o" * 32
INCIDENT = "inc_019ab4f3c2d10011223344556677"
DELIVERY = delivery_id("p", INCIDENT, 1, "user_ada", "email")
TOKEN = token(INCIDENT, DELIVERY, KEY, NOW)


@given(
    incident=st.binary(min_size=14, max_size=14),
    delivery=st.binary(min_size=10, max_size=10),
    kind=st.sampled_from("pn"),
    key=st.binary(min_size=32, max_size=32),
)
def test_what_was_signed_is_read_back(
    incident: bytes, delivery: bytes, kind: str, key: bytes
) -> None:
    incident_id, delivery_id = f"inc_{incident.hex()}", kind + delivery.hex()
    made = token(incident_id, delivery_id, key, NOW)
    link = read(made, (OTHER, key), NOW)
    assert (link.incident_id, link.delivery_id) == (incident_id, delivery_id)
    assert link.ends_at == NOW + LIFE


def test_a_link_of_a_whole_message_is_no_longer_and_says_so() -> None:
    made = token(INCIDENT, whole(DELIVERY), KEY, NOW)
    link = read(made, (KEY,), NOW)
    assert (len(made), link.delivery_id, link.whole) == (len(TOKEN), DELIVERY, True)
    assert not read(TOKEN, (KEY,), NOW).whole


def test_a_link_fits_an_sms() -> None:
    assert len(TOKEN) == 55
    assert TOKEN.replace("-", "").replace("_", "").isalnum()


@given(position=st.integers(0, 40), flipped=st.integers(1, 255))
def test_a_changed_byte_is_noticed(position: int, flipped: int) -> None:
    raw = bytearray(urlsafe_b64decode(TOKEN + "="))
    raw[position] ^= flipped
    changed = urlsafe_b64encode(bytes(raw)).decode().rstrip("=")
    with pytest.raises(BadLink):
        read(changed, (KEY,), NOW)


@pytest.mark.parametrize("length", range(55))
def test_a_cut_link_is_noticed(length: int) -> None:
    with pytest.raises(BadLink):
        read(TOKEN[:length], (KEY,), NOW)


@pytest.mark.parametrize(
    "written",
    [
        TOKEN + "=",
        TOKEN + "\n",
        f" {TOKEN}",
        TOKEN[:20] + "\n" + TOKEN[20:],
        TOKEN[:20] + "!" + TOKEN[20:],
        TOKEN + "A",
        TOKEN + TOKEN,
        TOKEN[:-1] + "é",
        TOKEN[:-1] + "\ud800",
    ],
)
def test_one_link_has_one_spelling(written: str) -> None:
    """What base64 would read over, a log or a filter may read otherwise."""
    with pytest.raises(BadLink):
        read(written, (KEY,), NOW)


def test_the_unused_bits_of_the_last_letter_are_zero() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twins = [TOKEN[:-1] + letter for letter in alphabet if letter != TOKEN[-1]]
    for twin in twins:
        with pytest.raises(BadLink):
            read(twin, (KEY,), NOW)


@pytest.mark.parametrize("keys", [(), (OTHER,), (KEY[:-1] + b"x",), (b"",)])
def test_another_key_did_not_sign_it(keys: tuple[bytes, ...]) -> None:
    with pytest.raises(BadLink):
        read(TOKEN, keys, NOW)


def test_it_ends() -> None:
    assert read(TOKEN, (KEY,), NOW + LIFE - timedelta(microseconds=1)).delivery_id == DELIVERY
    with pytest.raises(ExpiredLink):
        read(TOKEN, (KEY,), NOW + LIFE)


def test_a_forged_link_is_forged_even_when_it_is_old() -> None:
    """Expired is said only of what was ours."""
    with pytest.raises(BadLink):
        read(TOKEN, (OTHER,), NOW + LIFE)


def test_two_links_differ_in_everything_that_they_say() -> None:
    other = f"inc_{token_hex(14)}"
    assert (
        len(
            {TOKEN, token(other, DELIVERY, KEY, NOW), token(INCIDENT, "n" + DELIVERY[1:], KEY, NOW)}
        )
        == 3
    )


def test_all_incidents_of_the_largest_message_fit_into_one_form() -> None:
    one = urlencode({"seen": f"inc_{'0' * 28}.9999"})
    assert LARGEST_BUNDLE * len(f"{one}&") < LARGEST_FORM
