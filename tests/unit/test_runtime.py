"""Settings from the environment, clients that are made once, ids that sort by time."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from opsknight.runtime import clients, clock
from opsknight.runtime.clock import new_id
from opsknight.runtime.settings import CounterSettings, TableSettings, read_settings
from opsknight.store.table import Table

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
ENVIRONMENT = {"TABLE_NAME": "main", "RETENTION_DAYS": "400", "RATES_TABLE_NAME": "rates"}


def test_settings_come_from_the_environment() -> None:
    assert read_settings(TableSettings, ENVIRONMENT) == TableSettings("main", 400)
    assert read_settings(CounterSettings, ENVIRONMENT) == CounterSettings("rates")


@pytest.mark.parametrize("name", ["TABLE_NAME", "RETENTION_DAYS"])
def test_a_missing_setting_is_named(name: str) -> None:
    rest = {key: value for key, value in ENVIRONMENT.items() if key != name}
    with pytest.raises(KeyError, match=name):
        read_settings(TableSettings, rest)


def test_a_number_is_a_number() -> None:
    with pytest.raises(ValueError, match="a year"):
        read_settings(TableSettings, ENVIRONMENT | {"RETENTION_DAYS": "a year"})


def test_ids_sort_by_time() -> None:
    ids = [new_id("inc", NOW + timedelta(milliseconds=ms)) for ms in (0, 1, 2, 1_000, 10**12)]
    assert ids == sorted(ids)


def test_ids_differ_within_a_millisecond() -> None:
    ids = {new_id("al", NOW) for _ in range(1000)}
    assert len(ids) == 1000
    assert {len(each) for each in ids} == {len("al_") + 28}, "room for a token of 36 characters"


def test_the_clock_is_aware() -> None:
    assert clock.now().tzinfo is UTC


def test_clients_are_made_by_the_first_request_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    clients.rows.cache_clear()
    clients.counters.cache_clear()
    try:
        table, counters = clients.table(Table), clients.counters()
        assert (table.name, table.retention) == ("main", timedelta(days=400))
        assert counters.name == "rates"
        assert table.client is not counters.client, "a slow limiter has short timeouts of its own"
        assert (clients.table(Table), clients.counters()) == (table, counters)
    finally:
        clients.rows.cache_clear()
        clients.counters.cache_clear()


def test_twins_of_a_snapshot_pause_each_by_itself() -> None:
    drawn = set[float]()
    try:
        for _twin in range(2):
            # What the snapshot holds, for both.
            random.seed(7)
            clients.sqs.cache_clear()
            clients.sqs()
            drawn.add(random.random())
    finally:
        random.seed()
        clients.sqs.cache_clear()
    assert len(drawn) == 2
