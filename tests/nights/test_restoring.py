"""A night in which incidents are lost, and brought back beside a storm of new ones."""

from functools import partial

import pytest

from harness.simulation.journal import Asked
from harness.simulation.weather import CALM, ROUGH, Weather
from tests.nights.playing import ADA, only_ada, play, told, trigger

OLD, KEYS, NEW = 1000, 12, 30
LEFT = OLD + 4


@pytest.mark.parametrize("weather", [CALM, ROUGH], ids=["calm", "rough"])
def test_what_is_restored_beside_a_storm_wakes_nobody_and_takes_no_key(weather: Weather) -> None:
    night = play(only_ada(3), 12, weather)
    outside, database = night.outside, night.deployment.database
    for number in range(KEYS):
        trigger(night, 5 + number, OLD + number, number % 3)

    def lose() -> None:
        """Somebody deletes all incidents by hand, a moment after the copy; of one the pointer is
        left, as of others the messages that wait.
        """
        database.copy("copy")
        for item in list(database.tables["Table"].items()):
            gone = item["pk"]["S"].startswith("incident#") or item["sk"]["S"] == "pointer"
            if gone and not item["pk"]["S"].endswith(f"#key-{LEFT}"):
                key = {"pk": item["pk"], "sk": item["sk"]}
                asked = {"TableName": "Table", "Key": key}
                database.perform("delete_item", asked, night.deployment.hub.now)

    outside.at(150, lose)
    # New incidents: some under keys of lost ones, which come back before them and after them.
    for number in range(NEW):
        key = f"key-{OLD + number}" if number % 2 and number < KEYS else f"new-{number}"
        title = f"case-{2000 + number} no answer"
        event = partial(outside.event, "trigger", f"service-{number % 3}", key, title)
        outside.at(151 + number * 0.2, event)
    outside.at(
        153, partial(outside.operate, "restore", "--from-table=copy", "--incidents", "--yes")
    )
    ends: dict[int, Asked] = {}

    def resolve(number: int) -> None:
        service = f"service-{number % 3}"
        key, title = f"key-{OLD + number}", f"case-{OLD + number} x"
        ends[number] = outside.event("resolve", service, key, title)

    for number in range(KEYS):
        outside.at(600 + number, partial(resolve, number))
    night.run()
    restored = [each for each in night.journal.asked if each.what.startswith("restore")]
    assert [each.status for each in restored] == [0]
    counts = told(night.journal, ADA)
    later = {name for each in night.journal.heard if each.at > 170 for name in each.titles}
    new = {f"case-{2000 + number}" for number in range(NEW)}
    assert later <= new <= counts.keys()
    excused = sum(each.sender_died or not each.is_answered for each in night.journal.heard)
    assert all(count <= 1 + excused for count in counts.values())
    # A key has one active incident: the newest. A try whose process died may have resolved it, and
    # then the next one finds nothing.
    resolved = {
        item["title"]["S"].split()[0]
        for item in database.tables["Table"].items()
        if item["sk"] == {"S": "incident"} and item["status"] == {"S": "RESOLVED"}
    }
    for number, ended in ends.items():
        newest = f"case-{2000 + number if number % 2 else OLD + number}"
        assert newest in resolved
        assert ended.tries > 1 or ended.incident.startswith(newest)
    assert not night.journal.fallback
