"""KServe's V1 protocol, which is TensorFlow Serving's: `{"instances": […]}` becomes `{"predictions": […]}`."""

from flask import Blueprint, Response, g

from app import access
from app.answers import json_answer
from app.describing import describe
from app.error_shapes import InferenceError
from app.limits import limit_api
from app.models import Channel, Scope
from app.protocols import documents
from app.protocols.asking import ASKED, ask, predictions_answer
from app.protocols.tables import read_object, rows_of_instances
from app.services import model_access
from app.services.submissions import Submission, TranslatedSubmission
from ml.signature import Signature

blueprint = Blueprint("kserve_v1", __name__, url_prefix="/v1")
limit_api(blueprint)


@blueprint.get("/models")
@access.requires(Scope.PREDICT, Scope.READ_OWN, Scope.READ_ALL)
@describe(answers={200: documents.ModelNames})
def list_models() -> Response:
    """List the models that the caller may use."""
    return json_answer({"models": [one.name for one in model_access.visible_models(g.caller)]})


@blueprint.get("/models/<name>")
@access.requires(Scope.PREDICT, Scope.READ_OWN, Scope.READ_ALL)
@describe(answers={200: documents.ModelReady, 503: documents.ModelReady | InferenceError})
def show_model(name: str) -> Response:
    """Say whether a model answers."""
    model = model_access.visible_model(g.caller, name)
    is_ready = model.active_number is not None
    return json_answer({"name": name, "ready": is_ready}, 200 if is_ready else 503)


@blueprint.post("/models/<name>:predict")
@access.rechecked
@describe(body=documents.Instances, answers={200: documents.Predictions}, **ASKED)
def predict(name: str) -> Response:
    """Answer instances: objects by the names of the inputs, or lists in the model's order."""
    return ask(_understood, predictions_answer, Channel.KSERVE_V1, name)


def _understood(body: bytes, most_rows: int) -> Submission:
    def translate(signature: Signature) -> list[object]:
        return rows_of_instances(signature, read_object(body).get("instances"))

    return TranslatedSubmission(body, translate, most_rows)
