"""The history page and the page of one record."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    url_for,
)

from app import access
from app.answers import archive_answer, json_answer
from app.models import Outcome, Prediction, Review, Scope, Status
from app.paging import read_cursor, read_query_text
from app.query.wording import sentence
from app.services import (
    columns,
    comparison,
    erasure,
    exports,
    history,
    outcomes,
    overview,
    proofs,
    readings,
    retention,
    reviews,
    search,
    users,
    views,
)
from app.services.errors import InputFault, InvalidQueryError, QueryFault, UnknownThingError
from app.services.export_files import Format, available_formats
from app.services.history import Page
from ml.signature import InputField, Signature

blueprint = Blueprint("history", __name__, url_prefix="/predictions")
_NO_PAGE = Page(records=[], next=None)


@blueprint.get("")
@access.requires(Scope.READ_OWN, Scope.READ_ALL)
def list_predictions() -> str | tuple[str, int]:
    """Show a page of the history; the query is in the address, so it can be kept and shared."""
    return _list(request.args.get("q", ""))


@blueprint.get("/fields")
@access.requires(Scope.READ_OWN, Scope.READ_ALL)
def list_fields() -> Response:
    """List the fields that can be named in a query, and the values that they are known to have."""
    return json_answer({"data": search.suggestions(search.signatures_for(g.caller))})


@blueprint.get("/compare")
@access.requires(Scope.READ_OWN, Scope.READ_ALL)
def compare() -> str:
    """Show two records side by side."""
    chosen = request.args.getlist("id", type=UUID)
    records = [readings.read_prediction(g.caller, identifier) for identifier in chosen[:2]]
    found = comparison.compare(g.caller, *records) if len(records) == 2 else None
    return render_template("history/compare.html", records=records, comparison=found)


@blueprint.post("/columns")
@access.requires(Scope.READ_OWN, Scope.READ_ALL)
def choose_columns() -> Any:
    """Remember which fields of a model the list shows to this person."""
    form = request.form
    return _arrange(
        lambda: columns.choose_columns(g.caller, form.get("model", ""), form.get("columns", ""))
    )


@blueprint.post("/views")
@access.requires(Scope.READ_OWN, Scope.READ_ALL)
def save_view() -> Any:
    """Keep the query under a name."""
    form = request.form
    return _arrange(
        lambda: views.save_view(
            g.caller, form.get("name", ""), form.get("q", ""), shared="shared" in form
        )
    )


@blueprint.post("/views/<uuid:identifier>/delete")
@access.requires(Scope.READ_OWN, Scope.READ_ALL)
def delete_view(identifier: UUID) -> Any:
    """Delete a view of this person's."""
    flash(f"The view “{views.delete_view(g.caller, identifier)}” is deleted.", "success")
    return redirect(url_for("history.list_predictions"), 303)


def _arrange(change: Callable[[], None]) -> Any:
    """Change how the list is arranged, and show it; or what is wrong with the change, beside what was written."""
    query = request.form.get("q", "")
    try:
        change()
    except InvalidQueryError as error:
        return _list(query, arranging=error.errors[0])
    return redirect(url_for("history.list_predictions", q=query or None), 303)


@blueprint.get("/overview")
@access.requires(Scope.READ_OWN, Scope.READ_ALL)
def show_overview() -> str | tuple[str, int]:
    """Show how many records a query finds, and how their values are spread; the list shows it beside itself."""
    query = request.args.get("q", "")
    try:
        found = overview.overview(g.caller, read_query_text(request.args))
    except InvalidQueryError:
        return _list(query)
    return render_template("history/overview.html", overview=found, query=query)


@blueprint.route("/export", methods=["GET", "POST"])
@access.requires(Scope.READ_OWN, Scope.READ_ALL)
def export() -> str | Response | tuple[str, int]:
    """Send the records that a query finds as an archive; ask before in which form, and why."""
    query = request.values.get("q", "")
    form, reason = request.form.get("format", Format.CSV), request.form.get("reason", "")
    fault = None
    if request.method == "POST":
        limit = current_app.extensions["settings"].export_reason_rows
        try:
            selection = exports.select_records(g.caller, query, form, reason, without_reason=limit)
        except InvalidQueryError as error:
            (fault,) = error.errors
        else:
            return archive_answer(
                exports.Export(selection, current_app.app_context).archive(), f"{selection.id}.zip"
            )
    page = render_template(
        "history/export.html",
        query=query,
        form=form,
        reason=reason,
        fault=fault,
        formats=available_formats(),
    )
    return page if fault is None else (page, 400)


def _list(query: str, *, arranging: InputFault | None = None) -> str | tuple[str, int]:
    """Return the page of a query's records; with what is wrong with the query, or with an arrangement of the page."""
    fault, page, asked, shown = None, _NO_PAGE, None, None
    known = search.signatures_for(g.caller)
    try:
        asked = search.read_query(
            g.caller, query if request.form else read_query_text(request.args)
        )
        before = read_cursor(request.args)
        page = history.find_predictions(g.caller, asked, before=before, with_inputs=False)
        shown = columns.columns_for(g.caller, known, query)
    except InvalidQueryError as error:
        fault = error.errors[0]
    text = render_template(
        "history/list.html",
        page=page,
        query=query,
        meaning=sentence(asked) if asked else None,
        fault=fault,
        pieces=_pieces(query, fault) if isinstance(fault, QueryFault) else None,
        examples=[] if query else search.examples(known),
        callers=history.addresses_of(page.records),
        first_page="cursor" not in request.args,
        units=_units(page),
        columns=shown,
        values=columns.values_of(page.records, shown.shown if shown else []),
        truths=outcomes.newest_outcomes([record.id for record in page.records]),
        verdicts=reviews.reviews_of(g.caller, [record.id for record in page.records]),
        views=views.views_for(g.caller),
        arranging=arranging,
    )
    if shown and shown.shown:
        readings.note_page(g.caller, page.records)
    return (text, 400) if fault or arranging else text


def _pieces(query: str, fault: QueryFault) -> tuple[str, str, str]:
    """Return a query in three pieces, of which the middle one is wrong."""
    return query[: fault.start], query[fault.start : fault.end], query[fault.end :]


@blueprint.get("/<uuid:identifier>")
@access.requires(Scope.READ_OWN, Scope.READ_ALL)
def show_prediction(identifier: UUID) -> str:
    """Show a whole record."""
    record = _record(identifier)
    description = history.signature_of(record)
    signature = Signature.from_json(description) if description else None
    erased = erasure.erasure_of(record.id)
    reported = outcomes.outcomes_of(record)
    said = reviews.reviews_of(g.caller, [record.id]).get(record.id, [])
    added: list[Outcome | Review] = [*reported, *said]
    return render_template(
        "history/record.html",
        record=record,
        signature=signature,
        rows=_rows(record, signature),
        caller_address=history.addresses_of([record]).get(record.actor_id, "unknown"),
        siblings=history.siblings(record),
        outcomes=reported,
        reviews=said,
        leaves=proofs.leaves_of([one.id for one in added]),
        people=users.addresses({one.actor_id for one in added if one.actor_id}),
        is_answered=_is_answered(record, signature),
        readings=readings.readings_of(record) if g.caller.may(Scope.AUDIT) else None,
        neighbours=history.neighbours(g.caller, record),
        environment=history.environment_of(record),
        leaf_hash=history.leaf_hash_of(record).hex(),
        seal=proofs.seal_of(record),
        erasure=erased,
        erasure_leaf=proofs.find_entry(erased.id) if erased else None,
        again=_can_be_asked_again(record),
    )


@blueprint.get("/<uuid:identifier>/proof")
@access.requires(Scope.READ_OWN, Scope.READ_ALL)
def download_proof(identifier: UUID) -> Response:
    """Download the proof that a record is in the book."""
    record = history.get_prediction(g.caller, identifier)
    return _file(proofs.proof_of(record.id).to_text(), f"{record.id}.tlog-proof", "text/plain")


@blueprint.get("/<uuid:identifier>/record")
@access.requires(Scope.READ_OWN, Scope.READ_ALL)
def download_record(identifier: UUID) -> Response:
    """Download a record with the very texts that its proof commits to."""
    record = readings.read_prediction(g.caller, identifier)
    document = proofs.record_document("prediction", record.id)
    return _file(document, f"{record.id}.json", "application/json")


def _record(identifier: UUID) -> Prediction:
    """Return a record; of one that was dropped, tell that to those who see everything."""
    try:
        return readings.read_prediction(g.caller, identifier)
    except UnknownThingError:
        dropped = retention.retention_of(identifier) if g.caller.sees_everything else None
        entry = proofs.find_entry(identifier)
        if dropped is None or entry is None:
            raise
        raise UnknownThingError(
            f"The record was dropped with its month on {dropped.at:%Y-%m-%d} (policy"
            f" {dropped.what['policy']}). Its leaf {entry.index:,} is still in the book."
        ) from None


def _file(content: str | bytes, name: str, media_type: str) -> Response:
    answer = Response(content, content_type=f"{media_type}; charset=utf-8")
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer


def _units(page: Page) -> dict[Any, str | None]:
    """Return the unit of the output by model and version, for the records of a page."""
    units: dict[Any, str | None] = {}
    for record in page.records:
        key = (record.model_id, record.model_version)
        if key not in units:
            description = history.signature_of(record)
            units[key] = description["output"].get("unit") if description else None
    return units


def _rows(record: Prediction, signature: Signature | None) -> list[tuple[InputField, Any]]:
    """Return each input of an accepted record with its value, in the model's order."""
    if signature is None or not isinstance(record.inputs, dict):
        return []
    if record.status != Status.ACCEPTED:
        return []
    stored = record.inputs
    return [(item, stored.get(item.name)) for item in signature.inputs]


def _is_answered(record: Prediction, signature: Signature | None) -> bool:
    """Whether there is an answer that may turn out true, and of which somebody may think something."""
    there = record.status == Status.ACCEPTED and record.output is not None
    return there and signature is not None


def _can_be_asked_again(record: Prediction) -> bool:
    one_row = isinstance(record.inputs, dict) and record.status == Status.ACCEPTED
    one_sent = isinstance(record.inputs, list) and len(record.inputs) == 1
    return g.caller.may(Scope.PREDICT) and record.model is not None and (one_row or one_sent)
