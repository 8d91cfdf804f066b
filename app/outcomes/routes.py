"""Reporting outcomes, one by its form and many by a table; and what they say of a model."""

from collections import Counter
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app import access
from app.models import Scope
from app.services import history, model_access, readings, reporting
from app.services.errors import InvalidInputsError, InvalidQueryError
from app.services.outcome_tables import report_table
from app.services.performance import performance_of
from ml.signature import Signature
from ml.truth import read_written_truth

blueprint = Blueprint("outcomes", __name__)


@blueprint.get("/predictions/<uuid:identifier>/outcome")
@access.requires(Scope.OUTCOME)
def show_form(identifier: UUID) -> str:
    """Show the form of a prediction's outcome."""
    return _form(identifier)


@blueprint.post("/predictions/<uuid:identifier>/outcome")
@access.requires(Scope.OUTCOME)
def report(identifier: UUID) -> Response | tuple[str, int]:
    """Record an outcome, and go back to the prediction; a value that does not fit is shown again."""
    value = request.form.get("outcome", "")
    try:
        result = reporting.report_outcome(g.caller, identifier, value, read=read_written_truth)
    except InvalidInputsError as error:
        return _form(identifier, value, error.errors[0].message), 422
    known = result.fate is reporting.Fate.UNCHANGED
    flash("That outcome is known already." if known else "The outcome is recorded.", "success")
    return redirect(url_for("history.show_prediction", identifier=identifier), 303)


@blueprint.get("/outcomes")
@access.requires(Scope.OUTCOME)
def show_table_form() -> str:
    """Show the form for a table of outcomes."""
    return render_template("outcomes/table.html")


@blueprint.post("/outcomes")
@access.requires(Scope.OUTCOME)
def report_many() -> str | tuple[str, int]:
    """Record the outcomes of a table, and tell what became of each line."""
    file = request.files.get("file")
    try:
        lines = report_table(g.caller, file.read() if file else b"")
    except InvalidInputsError as error:
        return render_template("outcomes/table.html", fault=error.errors[0].message), 422
    fates = Counter(line.result.fate for line in lines)
    return render_template("outcomes/table.html", lines=lines, fates=fates)


@blueprint.get("/models/<name>/performance")
@access.requires(Scope.READ_OWN, Scope.READ_ALL)
def show_performance(name: str) -> str | tuple[str, int]:
    """Show how well a model did, among the records that a query finds."""
    model = model_access.visible_model(g.caller, name)
    query, by = request.args.get("q", ""), request.args.get("by", "")
    found, fault = None, None
    try:
        found = performance_of(g.caller, model, query, by)
    except InvalidQueryError as error:
        (fault,) = error.errors
    page = render_template(
        "outcomes/performance.html", model=model, performance=found, query=query, fault=fault
    )
    return (page, 400) if fault else page


def _form(identifier: UUID, value: str = "", fault: str | None = None) -> str:
    record = readings.read_prediction(g.caller, identifier)
    description = history.signature_of(record)
    signature = Signature.from_json(description) if description else None
    return render_template(
        "outcomes/form.html", record=record, signature=signature, value=value, fault=fault
    )
