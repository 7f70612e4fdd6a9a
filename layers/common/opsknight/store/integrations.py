"""How an integration with settings is read."""

from typing import Final

from pydantic import BaseModel, ValidationError

from opsknight.directory.heartbeats import Heartbeat
from opsknight.directory.integrations import Integration
from opsknight.directory.routing import PageAfter, Route, Routing
from opsknight.store.rows import Rows, readable_part, readable_parts
from opsknight.store.wire import Item, plain

_SETTINGS: Final[dict[str, type[BaseModel]]] = {
    "routing": Routing,
    "page_after": PageAfter,
    "heartbeat": Heartbeat,
}


def integration_in(table: Rows, item: Item) -> Integration:
    """After a rollback it may have settings that only a newer version understands, and its
    events must not be lost for them: a route that cannot be read takes none. A secret is never
    left out. Raises ValidationError.
    """
    fields = plain(item)
    try:
        return Integration.model_validate(fields)
    except ValidationError as error:
        error.add_note(f"item {item['pk']['S']} {item['sk']['S']}")
        kept = {name: readable_part(model, fields.get(name)) for name, model in _SETTINGS.items()}
        if isinstance(routing := fields.get("routing"), dict):
            routes = {"routes": readable_parts(Route, routing.get("routes", []))}
            kept |= {"routing": readable_part(Routing, routing | routes), "remembers": True}
        unread = [name for name in _SETTINGS if fields.get(name) and not kept[name]]
        try:
            found = Integration.model_validate(fields | kept | {"unread": unread})
        except ValidationError:
            raise error from None
        table.skipped(error)
        return found
