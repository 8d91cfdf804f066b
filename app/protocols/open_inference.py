"""The Open Inference Protocol (V2) over REST, as MLServer, Triton and KServe speak it."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import orjson
from flask import Blueprint, Response, current_app, g
from pydantic import Field

from app import access
from app.application import Call, this_call
from app.bodies import read_body
from app.describing import BYTES, JSON, describe
from app.error_shapes import InferenceError
from app.extensions import db
from app.limits import limit_api
from app.models import Channel, Model, Scope
from app.protocols import documents
from app.protocols.asking import ASKED, ask, marked, outputs_of
from app.protocols.tables import read_object
from app.protocols.tensors import (
    TEXT,
    Inference,
    datatype_of_input,
    encoded,
    read_inference,
    rows_of,
)
from app.readiness import readiness
from app.services import model_access, registry
from app.services.answers import Answer
from app.services.errors import (
    ConflictError,
    NotReadableBodyError,
    ServiceError,
    UnknownThingError,
    invalid_at,
    invalid_input,
)
from app.services.runtimes import Runtimes
from app.services.submissions import Submission, TranslatedSubmission
from app.version import VERSION
from ml.signature import Output, OutputType, Signature

blueprint = Blueprint("open_inference", __name__, url_prefix="/v2")
limit_api(blueprint)
_JSON_LENGTH = "Inference-Header-Content-Length"
_BYTES_HEADERS = {
    _JSON_LENGTH: Annotated[int, Field(ge=0, description="How long the JSON before the bytes is.")]
}
_PREDICT, _PROBABILITIES = "predict", "predict_proba"


def _json(document: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, content_type=JSON)


@blueprint.get("/health/live")
@access.public
@describe(answers={200: documents.Live})
def live() -> Response:
    """Answer that the service lives."""
    return _json({"live": True})


@blueprint.get("/health/ready")
@access.public
@describe(answers={200: documents.Ready, 503: documents.Ready})
def ready() -> Response:
    """Answer whether requests can be served."""
    is_ready = not readiness()
    return _json({"live": True, "ready": is_ready}, 200 if is_ready else 503)


@blueprint.get("")
@blueprint.get("/")
@access.public
@describe(answers={200: documents.ServerMetadata})
def show_server() -> Response:
    """Say who answers, and which extensions it knows."""
    return _json(
        {
            "name": "daybook",
            "version": VERSION,
            "extensions": ["binary_tensor_data", "model_repository"],
        }
    )


@blueprint.get("/models/<name>")
@blueprint.get("/models/<name>/versions/<int:number>")
@access.requires(Scope.PREDICT, Scope.READ_OWN, Scope.READ_ALL)
@describe(answers={200: documents.ModelMetadata})
def show_model(name: str, number: int | None = None) -> Response:
    """Describe a model: its versions, and the tensors of one of them."""
    model = model_access.visible_model(g.caller, name)
    version = (
        registry.active_version(model) if number is None else registry.get_version(name, number)
    )
    if version is None:
        raise UnknownThingError("No version of this model is active.")
    signature = Signature.from_json(version.signature)
    return _json(
        {
            "name": name,
            "versions": [str(one.number) for one in registry.list_versions(model)],
            "platform": "sklearn",
            "inputs": [
                {"name": item.name, "datatype": datatype_of_input(item), "shape": [-1]}
                for item in signature.inputs
            ],
            "outputs": _outputs_of_model(signature),
        }
    )


@blueprint.get("/models/<name>/ready")
@blueprint.get("/models/<name>/versions/<int:number>/ready")
@access.requires(Scope.PREDICT, Scope.READ_OWN, Scope.READ_ALL)
@describe(answers={200: documents.ModelReady, 503: documents.ModelReady | InferenceError})
def model_ready(name: str, number: int | None = None) -> Response:
    """Say whether a model, or a version of it, answers."""
    model = model_access.visible_model(g.caller, name)
    is_ready = _answers(model, number)
    return _json({"name": name, "ready": is_ready}, 200 if is_ready else 503)


@blueprint.post("/repository/index")
@access.requires(Scope.PREDICT, Scope.READ_OWN, Scope.READ_ALL)
@describe(
    body=documents.IndexRequest, needs_body=False, answers={200: list[documents.IndexedModel]}
)
def list_models() -> Response:
    """List the models that the caller may use, and whether they answer."""
    call, notes = this_call()
    models = model_access.visible_models(notes.caller)
    body = read_body(call, current_app.extensions["settings"].max_body_bytes)
    ready = read_object(body).get("ready", False) if body else False
    if not isinstance(ready, bool):
        raise invalid_input("ready", "Write true or false.")
    listed = [_listed(model) for model in models]
    if ready:
        listed = [one for one in listed if one["state"] == "READY"]
    return _json(listed)


@blueprint.post("/repository/models/<name>/load")
@access.requires(Scope.ADMIN)
@describe(answers={200: documents.Nothing}, refusals=(409,))
def load(name: str) -> Response:
    """Let a model answer: by its newest version, unless one is active already. The book tells of it."""
    model = model_access.visible_model(g.caller, name)
    if model.active_number is None:
        if (newest := registry.newest_version(model)) is None:
            raise ConflictError("The model has no version that is not retired.")
        runtimes: Runtimes = current_app.extensions["runtimes"]
        runtimes.load(name, newest.number)
        registry.activate_version(name, newest.number, actor_id=g.caller.user_id)
        db.session.commit()
    return _json({})


@blueprint.post("/repository/models/<name>/unload")
@access.requires(Scope.ADMIN)
@describe(answers={200: documents.Nothing})
def unload(name: str) -> Response:
    """Let a model answer no more until it is loaded or activated again. The book tells of it."""
    model_access.visible_model(g.caller, name)
    registry.deactivate_model(name, actor_id=g.caller.user_id)
    db.session.commit()
    return _json({})


@blueprint.post("/models/<name>/infer")
@blueprint.post("/models/<name>/versions/<int:number>/infer")
@access.rechecked
@describe(
    body={JSON: documents.InferenceRequest, BYTES: bytes},
    answers={200: {JSON: documents.InferenceResponse, BYTES: bytes}},
    **ASKED | {name: ASKED[name] | _BYTES_HEADERS for name in ("headers", "answer_headers")},
)
def infer(name: str, number: int | None = None) -> Response:
    """Answer tensors: a column for each input, or all of them as one matrix."""
    call, _ = this_call()
    read: list[Inference] = []
    signatures: list[Signature] = []

    def understand(body: bytes, limit: int) -> Submission:
        try:
            read.append(inference := read_inference(body, _json_length(call), limit))
        except ServiceError as error:
            return TranslatedSubmission(body, _refusing(error), limit)

        def translate(signature: Signature) -> list[Any]:
            signatures.append(signature)
            return _rows(signature, inference, limit)

        return TranslatedSubmission(body, translate, limit, inference.id)

    def respond(answer: Answer) -> Response:
        # An answer that is repeated may be of another version than the one that answers now.
        signature = _signature_of(answer) if answer.replayed else signatures[0]
        return marked(answer, _answered(answer, read[0], signature))

    variant = f"{Channel.OPEN_INFERENCE} {call.headers.get(_JSON_LENGTH, '')}"
    return ask(understand, respond, Channel.OPEN_INFERENCE, name, number, variant=variant)


def _signature_of(answer: Answer) -> Signature:
    return Signature.from_json(registry.get_version(answer.model, answer.version).signature)


def _rows(signature: Signature, inference: Inference, most: int) -> list[Any]:
    known = [one["name"] for one in _outputs_of_model(signature)]
    for at, wanted in enumerate(inference.outputs):
        if wanted.get("name") not in known:
            raise invalid_at("outputs", at, "name", why=f"The model has: {', '.join(known)}.")
    return rows_of(signature, inference.tensors, most)


def _refusing(error: ServiceError) -> Any:
    def refuse(_: Signature) -> list[Any]:
        raise error

    return refuse


def _answered(answer: Answer, inference: Inference, signature: Signature) -> Response:
    outputs = outputs_of(answer)
    wanted: Sequence[Mapping[str, Any]] = inference.outputs or [{"name": _PREDICT}]
    described, parts = [], []
    for one in wanted:
        tensor, values = _tensor(str(one["name"]), signature, outputs)
        parameters = one.get("parameters")
        asked = parameters.get("binary_data") if isinstance(parameters, dict) else None
        if inference.wants_bytes if asked is None else asked is True:
            parts.append(encoded(tensor["datatype"], values))
            tensor["parameters"] = {"binary_data_size": len(parts[-1])}
        else:
            tensor["data"] = [str(v) for v in values] if tensor["datatype"] == TEXT else values
        described.append(tensor)
    document = {
        "model_name": answer.model, "model_version": str(answer.version),
        "id": inference.id or answer.request_id, "outputs": described,
    }  # fmt: skip
    head = orjson.dumps(document)
    if not parts:
        return Response(head, content_type=JSON)
    response = Response(b"".join([head, *parts]), content_type=BYTES)
    response.headers[_JSON_LENGTH] = str(len(head))
    return response


def _tensor(
    name: str, signature: Signature, outputs: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Any], list[Any]]:
    """Return the description of an output, and its values, flat; probabilities in the order of the classes."""
    (described,) = [one for one in _outputs_of_model(signature) if one["name"] == name]
    shape = [len(outputs), described["shape"][1]]
    if name == _PREDICT:
        number = float if described["datatype"] == "FP64" else _same
        values = [number(one["prediction"]) for one in outputs]
    else:
        names = [str(one) for one in signature.output.classes or ()]
        values = [one["probabilities"][name] for one in outputs for name in names]
    return {"name": name, "datatype": described["datatype"], "shape": shape}, values


def _same(value: Any) -> Any:
    return value


def _datatype_of(output: Output) -> str:
    if output.type is OutputType.REGRESSION:
        return "FP64"
    kinds = {type(one) for one in output.classes or ()}
    return {frozenset({bool}): "BOOL", frozenset({int}): "INT64", frozenset({float}): "FP64"}.get(
        frozenset(kinds), TEXT
    )


def _outputs_of_model(signature: Signature) -> list[dict[str, Any]]:
    output = signature.output
    found = [{"name": _PREDICT, "datatype": _datatype_of(output), "shape": [-1, 1]}]
    if output.probabilities:
        width = len(output.classes or ())
        found.append({"name": _PROBABILITIES, "datatype": "FP64", "shape": [-1, width]})
    return found


def _json_length(call: Call) -> int | None:
    given = call.headers.get(_JSON_LENGTH)
    if given is None:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) < 12):
        raise NotReadableBodyError(f"{_JSON_LENGTH} is a number of bytes.")
    return int(given)


def _answers(model: Model, number: int | None) -> bool:
    if number is None:
        return model.active_number is not None
    return registry.get_version(model.name, number).retired_at is None


def _listed(model: Model) -> dict[str, str]:
    is_ready = model.active_number is not None
    return {
        "name": model.name,
        "version": str(model.active_number or ""),
        "state": "READY" if is_ready else "UNAVAILABLE",
        "reason": "" if is_ready else "no version is active",
    }
