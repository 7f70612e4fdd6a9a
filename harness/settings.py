"""Integrations with settings of their own."""

from harness.world import World, deadline
from opsknight.directory.integrations import Integration
from opsknight.store.directory_items import directory_item


def configure(world: World, integration: Integration) -> None:
    """Gives an integration its settings, as `opsknight apply` does. Functions are cold then."""
    world.service = world.service.model_copy(update={"looked_up": (integration.id,)})
    for entry in (integration, world.service):
        world.table.put_all([directory_item(entry)], deadline())
    world.let_functions_end()
