"""Exports: what a query finds, as an archive."""

from flask import Response, current_app, g, request

from app import access
from app.answers import archive_answer
from app.api.v1 import documents
from app.api.v1.blueprint import blueprint
from app.describing import describe
from app.models import Scope
from app.services import exports
from app.services.errors import invalid_query
from app.services.export_files import Format

_PARAMETERS = documents.EXPORT_PARAMETERS.keys()


@blueprint.get("/exports")
@access.requires(Scope.READ_OWN, Scope.READ_ALL)
@describe(answers={200: {"application/zip": bytes}}, query=documents.EXPORT_PARAMETERS)
def export_records() -> Response:
    """Send the records that a query finds, and a manifest, as an archive."""
    for name in request.args.keys() - _PARAMETERS:
        raise invalid_query(name, "There is no such parameter.")
    selection = exports.select_records(
        g.caller,
        request.args.get("q", ""),
        request.args.get("format", Format.NDJSON),
        request.args.get("reason"),
        without_reason=current_app.extensions["settings"].export_reason_rows,
    )
    return archive_answer(
        exports.Export(selection, current_app.app_context).archive(), f"{selection.id}.zip"
    )
