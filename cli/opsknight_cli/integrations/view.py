"""Integrations, and what a payload becomes, on the screen and as JSON."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, assert_never

from rich.text import Text

from opsknight.config.configuration import slug_of
from opsknight.directory.presets import Preset
from opsknight.incident.model import Action
from opsknight.integrations import builtin
from opsknight.integrations.reading import Meaningless, Passed
from opsknight.views.lengths import in_words
from opsknight_cli.integrations.trial import Become, Tried
from opsknight_cli.terminal.screen import Screen

KEY: Final = "YOUR-KEY"
# They are code, and have pages of their own.
WITHOUT: Final = ("Alertmanager", "Prometheus", "Grafana", "senders of PagerDuty and Opsgenie")


def path(preset: Preset) -> str:
    return f"/api/integrations/{slug_of(preset.id)}"


def steps(preset: Preset, url: str) -> list[str]:
    """The setup steps with the address in them. The key is its owner's to fill in."""
    address = f"{url}{path(preset)}"
    return [each.replace("{url}", address).replace("{key}", KEY) for each in preset.setup]


def data(preset: Preset) -> dict[str, Any]:
    name = slug_of(preset.id)
    return {
        "name": name,
        "tool": preset.name,
        "path": path(preset),
        "builtIn": name in builtin.names(),
        "signatures": [each.header for each in preset.signatures],
    }


def show_list(found: Mapping[str, Preset], screen: Screen) -> None:
    rows = [
        (name, preset.name, "signature or key" if preset.signatures else "key")
        for name, preset in found.items()
    ]
    screen.columns(("NAME", "TOOL", "SECURED BY"), rows)
    screen.say()
    screen.say("A tool posts to /api/integrations/NAME; `integrations show NAME` has the steps.")
    screen.say(f"{', '.join(WITHOUT)} need none: see docs/integrations.")


def show(preset: Preset, url: str, screen: Screen) -> None:
    screen.say(preset.name, "bold")
    screen.say()
    for number, step in enumerate(steps(preset, url), 1):
        screen.hanging(Text(f"{number}. {step}"), 0, 3)
    screen.say()
    screen.say("Create YOUR-KEY with `opsknight keys create --service S --integration I`.")
    if preset.signatures:
        screen.say(
            "The tool signs its requests. Once the integration has a `secret`, unsigned ones are "
            "refused."
        )


def show_tried(tried: Sequence[Tried], tool: str, file: str, screen: Screen) -> None:
    count = sum(isinstance(each, Become) for each in tried)
    events = f"{count} event{'' if count == 1 else 's'}"
    screen.say(f"{file} becomes {events}, as {tool} sends it.", "bold")
    for each in tried:
        screen.say()
        match each:
            case Passed(why):
                screen.say(f"Passed over: {why}.", "yellow")
            case Meaningless(why):
                screen.say(f"Refused: {why}.", "red")
            case Become():
                _show_event(each, screen)
            case _:
                assert_never(each)


def _show_event(become: Become, screen: Screen) -> None:
    document = become.document
    payload = document["payload"]
    event = become.event.event
    screen.say(document["event_action"], "green")
    rows = [("dedup key", become.event.dedup_key)]
    if event.action is Action.TRIGGER:
        rows += [(name, payload[name]) for name in ("summary", "source", "severity")]
        rows += [("link", f"{each['text']}: {each['href']}") for each in _links(document)]
        rows += [("adjusted", said) for said in _adjusted(document)]
    rows += _routed(become)
    screen.facts(rows, indent=2)


def _links(document: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = document.get("links", [])
    return found


def _adjusted(document: Mapping[str, Any]) -> Iterable[str]:
    for each in document.get("adjusted", []):
        yield f"{each['field']}: {each['sent']} was taken as {each['taken']}"


def _routed(become: Become) -> list[tuple[str, str]]:
    found = become.verdict
    if found is None:
        return []
    if found.drop:
        return [("route", f"{found.name}: dropped, and counted")]
    rows = [("route", found.name)]
    if become.service_id is not None:
        rows.append(("service", slug_of(become.service_id)))
    if found.severity is not None:
        rows.append(("severity", f"{found.severity} by the route"))
    if found.dedup_key is not None:
        rows.append(("group", found.dedup_key))
    if found.suppress:
        rows.append(("suppressed", "its incident opens suppressed and pages nobody"))
    if (waits := found.page_after) is not None:
        alerts = f", or with {waits.alerts} alerts" if waits.alerts else ""
        who = "" if waits.high else "; at once if HIGH"
        rows.append(("pages", f"after {in_words(waits.time)}{alerts}{who}"))
    return rows + [("problem", each) for each in found.problems]


def tried_data(tried: Sequence[Tried]) -> dict[str, Any]:
    return {"events": [_tried(each) for each in tried]}


def _tried(each: Tried) -> dict[str, Any]:
    match each:
        case Passed(why):
            return {"passed": why}
        case Meaningless(why):
            return {"refused": why}
        case Become():
            routed: dict[str, Any] = {}
            if (found := each.verdict) is not None:
                routed = {"route": found.name, "serviceId": each.service_id, "drop": found.drop}
            return {"event": each.document} | routed
        case _:
            assert_never(each)
