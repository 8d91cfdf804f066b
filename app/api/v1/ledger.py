"""The ledger: proofs, checkpoints, tiles, for programs that check."""

from uuid import UUID

from flask import Response, g, request

from app import access
from app.answers import json_answer
from app.api.v1 import documents
from app.api.v1.blueprint import blueprint
from app.describing import BYTES, JSON, TEXT, describe
from app.ledger.strict_text import FormatError, encode_base64, read_number
from app.models import Scope
from app.services import history, proofs, readings
from app.services import ledger as service
from app.services.errors import NotSealedError, invalid_query

_RETRY_SECONDS = 5
_TEXT = "text/plain; charset=utf-8"


@blueprint.get("/predictions/<uuid:identifier>/proof")
@access.requires(Scope.READ_OWN, Scope.READ_ALL, Scope.AUDIT)
@describe(answers={200: {TEXT: str}, 202: documents.Pending}, refusals=(500,))
def show_proof(identifier: UUID) -> Response:
    """Show the proof that a record is in the book, as a tlog-proof file; 202 while it waits."""
    record = history.get_prediction(g.caller, identifier)
    try:
        proof = proofs.proof_of(record.id)
    except NotSealedError as waits:
        answer = json_answer({"status": "pending", "detail": waits.detail}, 202)
        answer.headers["Retry-After"] = str(_RETRY_SECONDS)
        return answer
    answer = Response(proof.to_text(), content_type=_TEXT)
    answer.headers.set("Content-Disposition", "attachment", filename=f"{record.id}.tlog-proof")
    return answer


@blueprint.get("/predictions/<uuid:identifier>/record")
@access.requires(Scope.READ_OWN, Scope.READ_ALL)
@describe(answers={200: documents.SealedRecord})
def show_record(identifier: UUID) -> Response:
    """Show a record with the very texts that its proof commits to, as the verifier takes it."""
    record = readings.read_prediction(g.caller, identifier)
    document = proofs.record_document("prediction", record.id)
    return Response(document, content_type=JSON)


@blueprint.get("/ledger/checkpoint")
@access.requires(Scope.READ_OWN, Scope.READ_ALL, Scope.AUDIT)
@describe(answers={200: {TEXT: str}}, refusals=(404,))
def show_checkpoint() -> Response:
    """Show the newest checkpoint, a signed note."""
    return Response(service.newest_checkpoint().note, content_type=_TEXT)


@blueprint.get("/ledger/consistency")
@access.requires(Scope.READ_OWN, Scope.READ_ALL, Scope.AUDIT)
@describe(
    answers={200: documents.Consistency},
    query=documents.SIZES,
    required=frozenset(documents.SIZES),
    refusals=(404, 500),
)
def show_consistency() -> Response:
    """Show the proof that the book of one size is the beginning of the book of another."""
    old, new = _size("from"), _size("to")
    hashes = [encode_base64(one) for one in proofs.consistency_proof(old, new)]
    return json_answer({"from": old, "to": new, "hashes": hashes})


@blueprint.get("/ledger/tile/<path:path>")
@access.requires(Scope.READ_OWN, Scope.READ_ALL, Scope.AUDIT)
@describe(answers={200: {BYTES: bytes}}, refusals=(500,))
def show_tile(path: str) -> Response:
    """Show a tile of hashes (C2SP tlog-tiles)."""
    return Response(proofs.read_tile_at(path), content_type="application/octet-stream")


@blueprint.get("/ledger/tile/entries/<path:path>")
@access.requires(Scope.AUDIT)
@describe(answers={200: {BYTES: bytes}}, refusals=(500,))
def show_entries(path: str) -> Response:
    """Show a bundle of entries: who asked which model when, but no inputs or outputs."""
    found = proofs.read_tile_at(f"entries/{path}")
    return Response(found, content_type="application/octet-stream")


def _size(name: str) -> int:
    try:
        return read_number(request.args.get(name, ""))
    except FormatError:
        raise invalid_query(name, "Give the number of leaves.") from None
