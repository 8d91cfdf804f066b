"""The history page and the page of one record."""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, render_template, request

from app import access
from app.filters import read_cursor, read_filter
from app.models import Prediction, Scope, Status
from app.services import erasure, history, model_access, proofs, retention
from app.services.errors import InvalidQueryError, UnknownThingError
from app.services.history import Page
from ml.signature import Signature

blueprint = Blueprint("history", __name__, url_prefix="/predictions")
_FILTERS = ("model", "version", "status", "caller", "since", "until")


@blueprint.get("")
@access.requires(Scope.READ_OWN, Scope.READ_ALL)
def list_predictions() -> str | tuple[str, int]:
    """Show a page of the history; the filter is in the address, so it can be kept and shared."""
    try:
        page = history.find_predictions(
            g.caller,
            read_filter(request.args),
            before=read_cursor(request.args),
            with_inputs=False,
        )
        faults: dict[str, str] = {}
    except InvalidQueryError as error:
        page = Page(records=[], next=None)
        faults = {fault.pointer.strip("/"): fault.message for fault in error.errors}
    given = {name: request.args[name] for name in _FILTERS if request.args.get(name)}
    rendered = render_template(
        "history/list.html",
        page=page,
        given=given,
        faults=faults,
        statuses=list(Status),
        models=model_access.visible_models(g.caller),
        callers=history.addresses_of(page.records),
        first_page="cursor" not in request.args,
        unfiltered=not given,
        units=_units(page),
    )
    return (rendered, 400) if faults else rendered


@blueprint.get("/<uuid:identifier>")
@access.requires(Scope.READ_OWN, Scope.READ_ALL)
def show_prediction(identifier: UUID) -> str:
    """Show a whole record."""
    record = _record(identifier)
    description = history.signature_of(record)
    signature = Signature.from_json(description) if description else None
    erased = erasure.erasure_of(record.id)
    return render_template(
        "history/record.html",
        record=record,
        signature=signature,
        rows=_rows(record, signature),
        caller_address=history.addresses_of([record]).get(record.actor_id, "unknown"),
        siblings=history.siblings(record),
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
    record = history.get_prediction(g.caller, identifier)
    document = proofs.record_document("prediction", record.id)
    return _file(document, f"{record.id}.json", "application/json")


def _record(identifier: UUID) -> Prediction:
    """Return a record; of one that was dropped, tell that to those who see everything."""
    try:
        return history.get_prediction(g.caller, identifier)
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


def _rows(record: Prediction, signature: Signature | None) -> list[tuple[str, Any, str | None]]:
    """Return label, value and unit of each input of an accepted record, in the model's order."""
    if signature is None or not isinstance(record.inputs, dict):
        return []
    if record.status != Status.ACCEPTED:
        return []
    stored = record.inputs
    return [(item.label, stored.get(item.name), item.unit) for item in signature.inputs]


def _can_be_asked_again(record: Prediction) -> bool:
    one_row = isinstance(record.inputs, dict) and record.status == Status.ACCEPTED
    one_sent = isinstance(record.inputs, list) and len(record.inputs) == 1
    return g.caller.may(Scope.PREDICT) and record.model is not None and (one_row or one_sent)
