"""Two records side by side, field by field."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.access import Caller
from app.models import Outcome, Prediction
from app.query.fields import Field
from app.services import search
from app.services.outcomes import newest_outcomes


@dataclass(frozen=True, kw_only=True)
class Line:
    """One thing that both records have or lack, and whether it differs."""

    label: str
    unit: str | None = None
    one: Any
    other: Any
    is_time: bool = False

    @property
    def differs(self) -> bool:
        """Whether the two are not the same."""
        return type(self.one) is not type(self.other) or bool(self.one != self.other)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What two records were asked, what they were answered, and how they came about."""

    inputs: Sequence[Line]
    answers: Sequence[Line]
    facts: Sequence[Line]


_FACTS: dict[str, Callable[[Prediction], Any]] = {
    "Time": lambda record: record.received_at,
    "Model": lambda record: record.model,
    "Version": lambda record: record.model_version,
    "Status": lambda record: record.status,
    "Channel": lambda record: record.channel,
    "Reference": lambda record: record.reference,
    "Subject": lambda record: record.subject,
    "Artifact": lambda record: record.artifact_sha256 and record.artifact_sha256.hex()[:16],
    "Environment": lambda record: (
        record.environment_sha256 and record.environment_sha256.hex()[:16]
    ),
}


def compare(caller: Caller, one: Prediction, other: Prediction) -> Comparison:
    """Return two records side by side: the fields of their models, in the order of the first one's."""
    known = search.signatures_for(caller)
    models = dict.fromkeys(model for model in (one.model, other.model) if model in known)
    fields = {
        field.path: field for model in models for field in search.fields_of(known, str(model))
    }
    outcomes = newest_outcomes([one.id, other.id])
    lines = {path: _line(field, outcomes, one, other) for path, field in fields.items()}
    return Comparison(
        inputs=[line for path, line in lines.items() if path[0] == "inputs"],
        answers=[line for path, line in lines.items() if path[0] != "inputs"],
        facts=[
            Line(label=label, one=read(one), other=read(other), is_time=label == "Time")
            for label, read in _FACTS.items()
        ],
    )


def _line(field: Field, outcomes: Mapping[UUID, Outcome], *records: Prediction) -> Line:
    one, other = (search.answered_value(r, outcomes.get(r.id), field) for r in records)
    label = field.label[:1].upper() + field.label[1:]
    return Line(label=label, unit=field.unit, one=one, other=other)
