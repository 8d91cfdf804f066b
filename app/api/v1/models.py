"""Models and their signatures."""

from typing import Any

from flask import Response, g

from app import access
from app.answers import json_answer
from app.api.v1.blueprint import blueprint
from app.models import Model, ModelVersion, Scope
from app.services import model_access, registry


@blueprint.get("/models")
@access.requires(Scope.PREDICT, Scope.READ_OWN, Scope.READ_ALL)
def list_models() -> Response:
    """List the models that the caller may use."""
    return json_answer(
        {"data": [_summary(model) for model in model_access.visible_models(g.caller)]}
    )


@blueprint.get("/models/<name>")
@access.requires(Scope.PREDICT, Scope.READ_OWN, Scope.READ_ALL)
def show_model(name: str) -> Response:
    """Show a model, its versions and the signature of the active one."""
    model = model_access.visible_model(g.caller, name)
    versions = registry.list_versions(model)
    active = next((v for v in versions if v.number == model.active_number), None)
    return json_answer(
        _summary(model)
        | {
            "versions": [_version(model, version) for version in versions],
            "signature": active and active.signature,
        }
    )


def _summary(model: Model) -> dict[str, Any]:
    return {
        "name": model.name,
        "title": model.title,
        "description": model.description,
        "active_version": model.active_number,
    }


def _version(model: Model, version: ModelVersion) -> dict[str, Any]:
    return {
        "version": version.number,
        "status": version.status_in(model),
        "artifact_sha256": version.artifact_sha256.hex(),
        "registered_at": version.registered_at,
        "metrics": version.metrics,
        "signature": version.signature,
    }
