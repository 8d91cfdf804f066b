"""Models and their signatures."""

from flask import Response, g

from app import access
from app.answers import json_answer
from app.api.v1 import documents
from app.api.v1.blueprint import blueprint
from app.describing import describe
from app.models import Scope
from app.services import model_access, registry


@blueprint.get("/models")
@access.requires(Scope.PREDICT, Scope.READ_OWN, Scope.READ_ALL)
@describe(answers={200: documents.ModelList})
def list_models() -> Response:
    """List the models that the caller may use."""
    return json_answer(
        {"data": [registry.model_summary(model) for model in model_access.visible_models(g.caller)]}
    )


@blueprint.get("/models/<name>")
@access.requires(Scope.PREDICT, Scope.READ_OWN, Scope.READ_ALL)
@describe(answers={200: documents.ModelDocument})
def show_model(name: str) -> Response:
    """Show a model, its versions and the signature of the active one."""
    return json_answer(registry.model_document(model_access.visible_model(g.caller, name)))
