"""The presets of the configuration, which tell the payloads of tools."""

from opsknight.directory.presets import Preset
from opsknight.store import items
from opsknight.store.calls import Deadline
from opsknight.store.rows import Rows


def find(rows: Rows, name: str, deadline: Deadline) -> Preset | None:
    return rows.get(Preset, items.preset_key(f"preset_{name}"), deadline)
