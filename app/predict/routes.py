"""Home with the models, a model's page, and its form."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, current_app, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app import access
from app.models import Channel, Model, Scope
from app.predict.forms import FormField, form_fields, typed_values
from app.services import model_access, readings, registry
from app.services.activity import activity_of
from app.services.errors import ConflictError, InputFault, InvalidInputsError, UnknownThingError
from app.services.predictions import Ask, Predictions, begin_attempt
from app.services.submissions import FormSubmission
from ml.signature import Signature

blueprint = Blueprint("predict", __name__)


@blueprint.get("/")
@access.signed_in
def home() -> str:
    """Show the models that the caller may use, and how busy they are."""
    models = model_access.visible_models(g.caller)
    activity = activity_of([model.id for model in models], datetime.now(UTC))
    return render_template("predict/home.html", models=models, activity=activity)


@blueprint.get("/models/<name>")
@access.signed_in
def show_model(name: str) -> str:
    """Show a model: what it is for, its versions, its inputs."""
    model = model_access.visible_model(g.caller, name)
    versions, active = registry.list_versions(model), registry.active_version(model)
    signature = Signature.from_json(active.signature) if active else None
    return render_template(
        "predict/model.html", model=model, versions=versions, active=active, signature=signature
    )


@blueprint.get("/models/<name>/predict")
@access.requires(Scope.PREDICT)
def show_form(name: str) -> str:
    """Show the form, empty, with typical values, or with those of an earlier record."""
    model = model_access.visible_model(g.caller, name)
    signature = _signature(model)
    return _form(model, signature, _start_values(signature))


@blueprint.post("/models/<name>/predict")
@access.signed_in
def submit_form(name: str) -> Response | tuple[str, int]:
    """Answer the form, and go to the record; a form with faults is shown again, values kept.

    The service asks for the scope, so that a refusal is recorded like every other.
    """
    attempt = begin_attempt(g.caller, Channel.FORM, g.request_id, g.client_request_id)
    typed = typed_values(request.form)
    service: Predictions = current_app.extensions["predictions"]
    ask = Ask(attempt=attempt, caller=g.caller, submission=FormSubmission(typed), model=name)
    try:
        answer = service.predict(ask)
    except InvalidInputsError as error:
        model = model_access.visible_model(g.caller, name)
        return _form(model, _signature(model), typed, error.errors), 422
    return redirect(url_for("history.show_prediction", identifier=answer.rows[0].id), 303)


def _form(
    model: Model,
    signature: Signature,
    values: Mapping[str, str],
    faults: Sequence[InputFault] = (),
) -> str:
    fields: list[FormField] = form_fields(signature, values, faults)
    known = {field.pointer for field in fields}
    others = [fault for fault in faults if fault.pointer not in known]
    return render_template(
        "predict/form.html", model=model, fields=fields, faults=faults, others=others
    )


def _signature(model: Model) -> Signature:
    if (active := registry.active_version(model)) is None:
        raise ConflictError("No version of this model is active; ask its owner to activate one.")
    return Signature.from_json(active.signature)


def _start_values(signature: Signature) -> dict[str, str]:
    if request.args.get("values") == "typical":
        return {item.name: _text(item.typical) for item in signature.inputs}
    if earlier := request.args.get("from"):
        return _values_of(earlier)
    return {item.name: _text(item.default) for item in signature.inputs}


def _values_of(earlier: str) -> dict[str, str]:
    try:
        inputs = readings.read_prediction(g.caller, UUID(earlier)).inputs
    except ValueError:
        raise UnknownThingError("There is no such prediction that you may see.") from None
    row = inputs[0] if isinstance(inputs, list) and inputs else inputs
    return {name: _text(given) for name, given in row.items()} if isinstance(row, dict) else {}


def _text(given: Any) -> str:
    if isinstance(given, bool):
        return "true" if given else "false"
    return "" if given is None else str(given)
