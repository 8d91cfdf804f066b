"""The document: operations, shapes, and each model's own fields, for what a caller may see."""

from collections.abc import Iterator
from typing import Any

from flask import Flask

from app.access import Caller
from app.describing import JSON
from app.models import Model
from app.openapi.operations import TAGS, Operation, operations_of
from app.openapi.shapes import Shapes
from app.services import model_access, registry
from app.version import VERSION
from ml.signature import Signature

_ABOUT = (
    "A prediction service of record: every answer is committed before it leaves. What you see here is what your token may do,"
    " and the models that you may use."
)
_PREDICTIONS = "/api/v1/models/{name}/predictions"
_MODELS = "Your models"
_KEPT = "openapi"
_SECURITY = {
    "token": {"type": "http", "scheme": "bearer", "description": "A token from your account page."},
    "password": {"type": "http", "scheme": "basic", "description": "The token as the password."},
}


def openapi_document(app: Flask, caller: Caller) -> dict[str, Any]:
    """Return the description of what a caller may call (OpenAPI 3.1)."""
    models = model_access.visible_models(caller)
    operations, shapes = _declared(app)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        if not operation.is_for(caller):
            continue
        document = operation.document(shapes, [model.name for model in models])
        if operation.path == _PREDICTIONS:
            paths |= dict(_own_paths(operation, shapes, models))
        paths.setdefault(operation.path, {})[operation.method.lower()] = document
    return {
        "openapi": "3.1.0",
        "info": {"title": "Daybook", "version": VERSION, "description": _ABOUT},
        "tags": [{"name": name} for name in (_MODELS, *TAGS.values())],
        "security": [{name: []} for name in _SECURITY],
        "paths": paths,
        "components": {"schemas": shapes.components, "securitySchemes": _SECURITY},
    }


def _declared(app: Flask) -> tuple[list[Operation], Shapes]:
    """Return what the routes declare, which is the same for every caller: to make schemas of types takes its time."""
    if _KEPT not in app.extensions:
        operations = list(operations_of(app))
        shapes = Shapes(type_ for one in operations for type_ in one.types())
        app.extensions[_KEPT] = operations, shapes
    kept: tuple[list[Operation], Shapes] = app.extensions[_KEPT]
    return kept


def _own_paths(
    operation: Operation, shapes: Shapes, models: list[Model]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each model's own way to be asked, with its fields."""
    active = registry.active_versions(models)
    for model in models:
        if (version := active.get(model.id)) is None:
            continue
        path = operation.path.replace("{name}", model.name)
        document = operation.document(shapes, [])
        document["operationId"] = f"ask_{model.name.replace('-', '_')}"
        document["tags"] = [_MODELS]
        document["summary"] = f"Ask {model.title or model.name}"
        document["description"] = model.description or ""
        document["parameters"] = [one for one in document["parameters"] if one["in"] != "path"]
        _fill_in(document, shapes, Signature.from_json(version.signature))
        yield path, {"post": document}


def _fill_in(document: dict[str, Any], shapes: Shapes, signature: Signature) -> None:
    """Put a model's fields where any row could be."""
    asked = document["requestBody"]["content"][JSON]
    asked["schema"] = shapes.with_items(asked["schema"], "inputs", signature.json_schema())
    answered = document["responses"]["201"]["content"][JSON]
    output = signature.output.json_schema()
    answered["schema"] = shapes.with_items(answered["schema"], "predictions", output, "output")
    if (example := signature.example()) is not None:
        asked["example"] = {"inputs": [example]}
