"""MLflow's scoring protocol, and with it the contract of SageMaker's containers."""

from typing import Any

from flask import Blueprint, Response, current_app, request

from app import access
from app.application import Call
from app.describing import JSON, describe
from app.limits import limit_api
from app.models import Channel
from app.protocols import documents
from app.protocols.asking import ASKED, ask, predictions_answer
from app.protocols.tables import SHAPES, read_object, rows_of_csv, rows_of_table
from app.services.errors import (
    NotReadableBodyError,
    ServiceError,
    UnknownThingError,
    WrongMediaTypeError,
    invalid_input,
)
from app.services.submissions import Submission, TranslatedSubmission
from ml.signature import Signature

blueprint = Blueprint("mlflow", __name__)
limit_api(blueprint)
_CSV = "text/csv"
_described = describe(
    body={JSON: documents.Table, _CSV: str}, answers={200: documents.Predictions}, **ASKED
)
_MEMBERS = {*SHAPES, "params", "client_request_id"}


@blueprint.get("/ping")
@blueprint.get("/health")
@access.public
@describe(answers={200: {JSON: bytes}})
def ping() -> Response:
    """Answer that the service lives."""
    return Response("\n", content_type=JSON)


@blueprint.post("/invocations")
@access.rechecked
@_described
def invoke_default() -> Response:
    """Answer rows of the model that `DAYBOOK_DEFAULT_MODEL` names."""
    name = current_app.extensions["settings"].default_model
    fault = (
        None if name else UnknownThingError("There is no default model: set DAYBOOK_DEFAULT_MODEL.")
    )
    return _invoked(name, fault)


@blueprint.post("/models/<name>/invocations")
@access.rechecked
@_described
def invoke(name: str) -> Response:
    """Answer rows, in one of the four shapes of JSON or as CSV."""
    return _invoked(name)


def _invoked(name: str, fault: ServiceError | None = None) -> Response:
    return ask(
        _understood, predictions_answer, Channel.MLFLOW, name,
        refuse=lambda call: fault or _media_type_fault(call),
    )  # fmt: skip


def _media_type_fault(call: Call) -> ServiceError | None:
    parameters = call.mimetype_params
    if call.mimetype not in (JSON, _CSV) or parameters.keys() - {"charset"}:
        return WrongMediaTypeError(f"Send {JSON} or {_CSV}.")
    if parameters.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        return WrongMediaTypeError("Send UTF-8.")
    return None


def _understood(body: bytes, most_rows: int) -> Submission:
    if request.mimetype == _CSV:
        return TranslatedSubmission(
            body, lambda signature: rows_of_csv(signature, body, most_rows), most_rows
        )
    try:
        reference = _reference(read_object(body))
    except ServiceError:
        reference = None

    def translate(signature: Signature) -> list[Any]:
        document = read_object(body)
        for name in document.keys() - _MEMBERS:
            raise invalid_input(name, "There is a member that there is not here.")
        if not isinstance(document.get("params", {}), dict):
            raise NotReadableBodyError("params is an object.")
        return rows_of_table(signature, document, most_rows)

    return TranslatedSubmission(body, translate, most_rows, reference)


def _reference(document: dict[str, Any]) -> str | None:
    given = document.get("client_request_id")
    return given if isinstance(given, str) and given else None
