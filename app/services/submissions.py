"""Submissions: what a caller sent, before and after it is understood.

Each kind knows how to become rows, and what of it a refused request's record holds.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any, Protocol

from app.decoding import parse
from app.ledger import canonical
from app.ledger.canonical import CanonicalFormError
from app.ledger.strict_json import MAX_SAFE_INTEGER, StrictJSONError
from app.recorder import Submitted
from app.services.errors import (
    BodyTooLargeError,
    InputFault,
    InvalidInputsError,
    NotReadableBodyError,
    ServiceError,
    invalid_input,
    pointer_to,
    storable,
)
from ml.signature import Signature
from ml.validation import MOST_FAULTS, Fault, InvalidRowsError, Validator

_MEMBERS = {"inputs", "references", "subjects"}
_LONGEST_REFERENCE = 200


class Submission(Protocol):
    """What a caller sent."""

    def rows(self, validator: Validator) -> Submitted:
        """Return the validated rows.

        Raises:
            ServiceError: if it cannot be read or does not fit, with every fault.
        """

    def evidence(self) -> Any:
        """Return what a refused request's record holds of it, as a JSON value."""

    def body(self) -> bytes | None:
        """Return the bytes that were sent, None if they are not known."""

    @property
    def size(self) -> int:
        """How many bytes were sent, as far as that is known."""


class _Body:
    """A body that was read whole.

    `_sent` are its rows as they were sent, or understood in another protocol, once they are known.
    """

    def __init__(self, body: bytes, max_rows: int) -> None:
        self._body, self._max_rows = body, max_rows
        self._sent: Any = None

    def evidence(self) -> Any:
        """Return the rows, or length and digest of a body that has none."""
        if self._sent is not None:
            return self._sent
        return {"bytes": len(self._body), "sha256": hashlib.sha256(self._body).hexdigest()}

    def body(self) -> bytes | None:
        """Return the body."""
        return self._body

    @property
    def size(self) -> int:
        """The bytes of the body."""
        return len(self._body)


class JSONSubmission(_Body):
    """The body of an API request: `{"inputs": […], "references": […]?, "subjects": […]?}`.

    Args:
        body: the bytes of the body.
        max_rows: how many rows one request may have.
    """

    def rows(self, validator: Validator) -> Submitted:
        """See `Submission.rows`."""
        document = self._document()
        inputs = document.get("inputs")
        self._sent = inputs if isinstance(inputs, list) else None
        faults = self._shape_faults(document)
        if not faults:
            try:
                rows = validator.parse_json(document["inputs"])
            except InvalidRowsError as error:
                raise _refusal(map(_pointed, error.faults), error.count) from None
        if faults:
            raise _refusal(faults, len(faults))
        none: list[None] = [None] * len(rows)
        return Submitted(
            rows=rows,
            references=document.get("references") or none,
            subjects=document.get("subjects") or none,
        )

    def _document(self) -> dict[str, Any]:
        try:
            document = parse(self._body)
        except StrictJSONError as error:
            raise NotReadableBodyError(
                f"The body is no JSON that is accepted here: {error}."
            ) from None
        if not isinstance(document, dict):
            raise NotReadableBodyError('Send an object such as {"inputs": [{…}]}.')
        return document

    def _shape_faults(self, document: Mapping[str, Any]) -> list[InputFault]:
        faults = [
            InputFault(pointer_to(name), "There is no such member here.")
            for name in sorted(document.keys() - _MEMBERS)
        ]
        inputs = document.get("inputs")
        if not isinstance(inputs, list) or not inputs:
            return [*faults, InputFault("/inputs", "Send a list with one object for each row.")]
        refuse_too_many(len(inputs), self._max_rows)
        for name in ("references", "subjects"):
            if document.get(name) is not None:
                faults += _label_faults(name, document[name], len(inputs))
        return faults


class TranslatedSubmission(_Body):
    """The body of a request in another protocol.

    Args:
        body: its bytes.
        translate: returns the rows that it means for a signature, as JSON values.
        max_rows: how many rows one request may have.
        reference: the caller's own name of the request; all of its rows have it.
    """

    def __init__(
        self, body: bytes, translate: Callable[[Signature], list[Any]], max_rows: int, reference: str | None = None
    ) -> None:  # fmt: skip
        super().__init__(body, max_rows)
        self._translate, self._reference = translate, reference

    def rows(self, validator: Validator) -> Submitted:
        """See `Submission.rows`."""
        rows = self._translate(validator.signature)
        if not rows:
            raise invalid_input("inputs", "There is no row.")
        refuse_too_many(len(rows), self._max_rows)
        try:
            canonical.encode(rows)
        except CanonicalFormError as error:
            raise NotReadableBodyError(f"A value cannot be recorded: {error}.") from None
        self._sent = rows
        references = [self._reference] * len(rows)
        if self._reference and (faults := _label_faults("id", references, len(rows))):
            raise _refusal(faults, len(faults))
        try:
            valid = validator.parse_json(rows)
        except InvalidRowsError as error:
            raise _refusal(map(_pointed, error.faults), error.count) from None
        return Submitted(rows=valid, references=references, subjects=[None] * len(valid))


def refuse_too_many(rows: int, most: int) -> None:
    """Refuse a request with too many rows.

    Raises:
        BodyTooLargeError: if it has more than there may be.
    """
    if rows > most:
        raise BodyTooLargeError(f"A request may have {most:,} rows, this one has {rows:,}.")


class FormSubmission:
    """The fields of a form: one row, as strings."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields

    def rows(self, validator: Validator) -> Submitted:
        """See `Submission.rows`."""
        if faults := [
            _nul_fault(name) for name, text in self._fields.items() if "\x00" in name + text
        ]:
            raise _refusal(faults, len(faults))
        try:
            row = validator.parse_form(self._fields)
        except InvalidRowsError as error:
            raise _refusal(map(_pointed, error.faults), error.count) from None
        return Submitted(rows=[row], references=[None], subjects=[None])

    def evidence(self) -> Any:
        """Return the strings as they were typed."""
        return [{storable(name): storable(text) for name, text in self._fields.items()}]

    def body(self) -> bytes | None:
        """Return nothing: forms have no idempotency key."""
        return None

    @property
    def size(self) -> int:
        """The characters of the fields."""
        return sum(map(len, self._fields.values()))


class UnreadSubmission:
    """A body that could not be read whole; only its declared length is known, if any."""

    def __init__(self, length: int | None, error: ServiceError) -> None:
        self._length = length
        self._error = error

    def rows(self, validator: Validator) -> Submitted:  # noqa: ARG002
        """Refuse."""
        raise self._error

    def evidence(self) -> Any:
        """Return the declared length."""
        return {"bytes": None if self._length is None else min(self._length, MAX_SAFE_INTEGER)}

    def body(self) -> bytes | None:
        """Return nothing: it was not read."""
        return None

    @property
    def size(self) -> int:
        """Nothing of it is here."""
        return 0


def _label_faults(name: str, labels: Any, count: int) -> list[InputFault]:
    if not isinstance(labels, list) or len(labels) != count:
        return [InputFault(f"/{name}", f"Send a list of {count}, one for each row.")]
    message = f"Send text of 1 to {_LONGEST_REFERENCE} characters, or null."
    return [
        InputFault(f"/{name}/{index}", message)
        for index, label in enumerate(labels)
        if label is not None
        and not (isinstance(label, str) and 1 <= len(label) <= _LONGEST_REFERENCE)
    ]


def _nul_fault(name: str) -> InputFault:
    return InputFault(pointer_to("inputs", 0, name), "Remove the character U+0000.")


def _pointed(fault: Fault) -> InputFault:
    field = () if fault.field is None else (fault.field,)
    return InputFault(pointer_to("inputs", fault.row, *field), fault.message)


def _refusal(found: Iterable[InputFault], count: int) -> InvalidInputsError:
    """Return the error that lists the first faults, up to `MOST_FAULTS`, and counts all."""
    faults = list(islice(found, MOST_FAULTS))
    summary = f"{faults[0].pointer}: {faults[0].message}"
    if count > 1:
        listed = "" if count == len(faults) else f", {len(faults):,} of them listed"
        summary = f"{count:,} faults{listed}; the first: {summary}"
    return InvalidInputsError(summary, faults)
