"""JSON Schemas of the shapes that routes declare, said once under `components`."""

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from pydantic import TypeAdapter

_REFERENCES = "#/components/schemas/{model}"


class Shapes:
    """The schemas of some types.

    Args:
        types: what pydantic can describe; each is said once.
    """

    def __init__(self, types: Iterable[Any]) -> None:
        named = {repr(one): one for one in types}
        adapters = [(name, "serialization", TypeAdapter(one)) for name, one in named.items()]
        found, definitions = TypeAdapter.json_schemas(adapters, ref_template=_REFERENCES)  # type: ignore[arg-type]
        self._schemas = {name: schema for (name, _), schema in found.items()}
        self.components = {name: _closed(one) for name, one in definitions.get("$defs", {}).items()}

    def __getitem__(self, type_: Any) -> dict[str, Any]:
        """Return the schema of a type: a reference, if it has a name."""
        return self._schemas[repr(type_)]

    def with_items(
        self, schema: dict[str, Any], name: str, items: dict[str, Any], member: str = ""
    ) -> dict[str, Any]:
        """Return the schema of an object whose list `name` has these items, or items with such a member."""
        whole = self._copied(schema)
        rows = whole["properties"][name]
        if member:
            items = self._copied(rows["items"]) | {
                "properties": self._copied(rows["items"])["properties"] | {member: items}
            }
        rows["items"] = items
        return whole

    def _copied(self, schema: dict[str, Any]) -> dict[str, Any]:
        return deepcopy(self.components[schema["$ref"].rpartition("/")[2]])


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that allows no member that it does not name, unless it says otherwise."""
    if "properties" not in schema:
        return schema
    return {"additionalProperties": False} | schema
