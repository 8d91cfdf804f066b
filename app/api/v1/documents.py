"""The shapes of what the API reads and answers, as its description shows them."""

from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired
from uuid import UUID

from pydantic import Field
from typing_extensions import TypedDict

from app.models import Channel, Status
from app.models.review import Verdict
from app.services.export_files import available_formats
from app.services.history import LONGEST_PAGE
from app.services.reporting import MOST_AT_ONCE, Fate

Hex = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Label = Annotated[str, Field(min_length=1, max_length=200)]
Query = Annotated[str, Field(description="A query of the history.", examples=["status:refused"])]
PAGE_PARAMETERS = {
    "q": Query,
    "limit": Annotated[int, Field(ge=1, le=LONGEST_PAGE)],
    "cursor": Annotated[UUID, Field(description="`next` of the page before.")],
}
EXPORT_PARAMETERS = {
    "q": Query,
    "format": Literal[tuple(available_formats())],
    "reason": Annotated[str, Field(description="Why; asked for where much is exported.")],
}
SIZES = {"from": Annotated[int, Field(ge=0)], "to": Annotated[int, Field(ge=0)]}


class ModelSummary(TypedDict):
    """A model in a list."""

    name: str
    title: str | None
    description: str | None
    restricted: Annotated[
        bool, Field(description="Whether only those may use it who were granted it.")
    ]
    active_version: int | None


class ModelList(TypedDict):
    """The models that the caller may use."""

    data: list[ModelSummary]


class Version(TypedDict):
    """A version of a model."""

    version: int
    status: str
    artifact_sha256: Hex
    registered_at: datetime
    registered_by: str | None
    metrics: dict[str, Any] | None
    signature: dict[str, Any]


class ModelDocument(ModelSummary):
    """A model with its versions, and the signature of the active one."""

    versions: list[Version]
    signature: dict[str, Any] | None


class PredictionRequest(TypedDict):
    """Rows to answer."""

    inputs: Annotated[
        list[dict[str, Any]], Field(min_length=1, description="An object for each row.")
    ]
    references: NotRequired[
        Annotated[list[Label | None] | None, Field(description="Your own names of the rows.")]
    ]
    subjects: NotRequired[
        Annotated[list[Label | None] | None, Field(description="Whom the rows are about.")]
    ]


class AnsweringVersion(TypedDict):
    """The version that answered."""

    name: str
    version: int


class CommittedAnswer(TypedDict):
    """The answer to one row, and its record."""

    id: UUID
    output: dict[str, Any]
    leaf_hash: Annotated[Hex, Field(description="The receipt: the record's leaf in the book.")]


class PredictionAnswer(TypedDict):
    """The answers to all rows, in their order; each is committed."""

    request_id: UUID
    model: AnsweringVersion
    predictions: list[CommittedAnswer]


class RecordOutcome(TypedDict):
    """What turned out to be true."""

    value: Any
    at: datetime


class ReviewDocument(TypedDict):
    """What somebody thinks of an answer."""

    id: UUID
    at: datetime
    actor_id: UUID
    queue_id: UUID | None
    verdict: Verdict
    adjudicates: bool
    correction: Any
    reason: str | None
    note: str | None


class RecordDocument(TypedDict):
    """A whole record of the book."""

    id: UUID
    request_id: UUID
    client_request_id: Annotated[str | None, Field(description="Its `X-Request-Id`; not sealed.")]
    row: int
    received_at: datetime
    answered_at: datetime
    actor_id: UUID
    token_id: UUID | None
    channel: Channel
    model: str | None
    model_version: int | None
    artifact_sha256: Hex | None
    environment_sha256: Hex | None
    status: Status
    inputs: Any
    output: Any
    reference: str | None
    subject: str | None
    commitments: dict[str, Hex]
    salts: dict[str, str]
    leaf_hash: Hex
    outcome: RecordOutcome | None
    reviews: list[ReviewDocument]


class RecordPage(TypedDict):
    """A page of the history, the newest first."""

    data: list[RecordDocument]
    next: Annotated[UUID | None, Field(description="The cursor of the next page.")]


class OutcomeReport(TypedDict):
    """What turned out to be true of a prediction."""

    outcome: Annotated[Any, Field(description="A class of the model, or a number.")]


class NamedOutcome(TypedDict):
    """What turned out to be true of a prediction, which is named by `id` or `reference`."""

    id: NotRequired[str]
    reference: NotRequired[str]
    outcome: Any


class OutcomeReports(TypedDict):
    """Many outcomes."""

    outcomes: Annotated[list[NamedOutcome], Field(max_length=MOST_AT_ONCE)]


class RecordedOutcome(TypedDict):
    """An outcome that is in the book."""

    fate: Fate
    id: UUID
    prediction_id: UUID
    outcome: Any
    at: datetime


class RefusedOutcome(TypedDict):
    """An outcome that was refused, and why."""

    fate: Fate
    why: str | None


class OutcomeResults(TypedDict):
    """What became of many outcomes, in their order."""

    recorded: int
    unchanged: int
    refused: int
    results: list[RecordedOutcome | RefusedOutcome]


class ReviewDraft(TypedDict):
    """What you think of an answer; with `is_outcome` the correction is what turned out to be true."""

    verdict: Verdict
    correction: NotRequired[Any]
    reason: NotRequired[str]
    note: NotRequired[str]
    is_outcome: NotRequired[bool]


class SealedRecord(TypedDict):
    """A record with the very texts that its proof commits to."""

    kind: Literal["prediction"]
    facts: dict[str, Any]
    commitments: dict[str, str]
    parts: dict[str, str]
    salts: dict[str, str]


class Pending(TypedDict):
    """The record is committed, and waits to be sealed."""

    status: Literal["pending"]
    detail: str


#: The proof that the book of one size is the beginning of the book of another (RFC 9162, section 2.1.4).
Consistency = TypedDict("Consistency", {"from": int, "to": int, "hashes": list[str]})
