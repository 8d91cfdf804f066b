"""Reviewing: a verdict on an answer, with what it should have been, and why."""

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.access import Caller
from app.extensions import db
from app.identifiers import new_id
from app.ledger import canonical
from app.ledger.commitment import SALT_BYTES, commit
from app.models import Prediction, Review, Scope, Status, Verdict
from app.services import reporting
from app.services.erasure import NOTHING_IS_ERASED
from app.services.errors import ConflictError, NotAllowedError, invalid_input
from app.services.history import get_prediction, signature_of
from app.services.reporting import Reader
from app.services.reviews import waits_for_a_blind_review
from ml.signature import Signature
from ml.truth import TruthError, read_truth

LONGEST_REASON, LONGEST_NOTE = 200, 4_000


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What somebody says of an answer.

    `correction` is what it should have been; `is_outcome` says that this turned out to be true.
    """

    verdict: str
    correction: Any = None
    reason: str = ""
    note: str = ""
    is_outcome: bool = False


def review_prediction(
    caller: Caller,
    prediction_id: UUID,
    draft: Draft,
    *,
    read: Reader = read_truth,
    queue_id: UUID | None = None,
    adjudicates: bool = False,
) -> Review:
    """Record a review; what is given as the outcome is recorded with it.

    Args:
        caller: who reviews.
        prediction_id: what is reviewed.
        draft: what they say.
        read: reads a correction.
        queue_id: the queue that asked for it.
        adjudicates: whether it decides between two reviews.

    Raises:
        UnknownThingError: if there is no such prediction, or it is not theirs to see.
        InvalidInputsError: if something of it does not fit; it says what.
        ConflictError: if the prediction has no answer, or it is erased.
        NotAllowedError: if they may review, but not report an outcome.
    """
    db.session.execute(NOTHING_IS_ERASED)
    record = get_prediction(caller, prediction_id)
    if record.status != Status.ACCEPTED:
        raise ConflictError("It was not answered, so there is nothing to review.")
    if record.output_salt is None:
        raise ConflictError("It is erased.")
    good = _checked(caller, record, draft, read, adjudicates=adjudicates)
    review = Review(
        id=new_id(), at=datetime.now(UTC), prediction_id=record.id, actor_id=caller.user_id,
        token_id=caller.token_id, queue_id=queue_id, verdict=good.verdict, adjudicates=adjudicates,
        **_part("correction", good.correction, _canonical), **_part("reason", good.reason, str.encode),
        **_part("note", good.note, str.encode),
    )  # fmt: skip
    db.session.add(review)
    if good.is_outcome:
        reporting.report_outcome(caller, record.id, good.correction)
    db.session.commit()
    return review


def _checked(
    caller: Caller, record: Prediction, draft: Draft, read: Reader, *, adjudicates: bool
) -> Draft:
    if draft.verdict not in set(Verdict):
        raise invalid_input("verdict", f"Choose one of: {', '.join(Verdict)}.")
    for name, longest in (("reason", LONGEST_REASON), ("note", LONGEST_NOTE)):
        text = getattr(draft, name)
        if len(text) > longest or "\x00" in text:
            raise invalid_input(name, f"Write at most {longest:,} characters.")
    correction = _correction(record, draft, read)
    if draft.is_outcome and correction is None:
        raise invalid_input("correction", "Say what turned out to be true.")
    if draft.is_outcome and not adjudicates and waits_for_a_blind_review(record.id):
        raise invalid_input(
            "is_outcome", "Somebody reviews this blind: the outcome would tell them."
        )
    if draft.is_outcome and not caller.may(Scope.OUTCOME):
        raise NotAllowedError("To report an outcome needs the scope outcome.")
    return replace(draft, correction=correction, reason=draft.reason.strip(), note=draft.note.strip())  # fmt: skip


def _correction(record: Prediction, draft: Draft, read: Reader) -> Any:
    if draft.correction in (None, ""):
        return None
    if draft.verdict != Verdict.DISAGREE:
        raise invalid_input("correction", "Only who disagrees corrects the answer.")
    description = signature_of(record)
    if description is None:
        raise ConflictError("Its model's version is not known any more.")
    try:
        found = read(Signature.from_json(description).output, draft.correction)
    except TruthError as error:
        raise invalid_input("correction", str(error)) from None
    answered = record.output["prediction"] if isinstance(record.output, dict) else None
    if canonical.encode(found) == canonical.encode(answered):
        raise invalid_input("correction", "This is what the model answered.")
    return found


def _canonical(value: Any) -> bytes:
    return canonical.encode(value)


def _part(name: str, value: Any, encode: Any) -> dict[str, Any]:
    if value in (None, ""):
        return {}
    salt = secrets.token_bytes(SALT_BYTES)
    return {
        name: value,
        f"{name}_salt": salt,
        f"{name}_commitment": commit(name, encode(value), salt),
    }
