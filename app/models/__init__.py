"""The tables, one file each."""

from app.models.artifact import Artifact, ArtifactChunk
from app.models.base import Base
from app.models.column_choice import ColumnChoice
from app.models.ended_session import EndedSession
from app.models.environment import Environment
from app.models.event import Event, EventKind
from app.models.idempotency_key import IdempotencyKey
from app.models.ledger_checkpoint import LedgerCheckpoint
from app.models.ledger_entry import LedgerEntry
from app.models.ledger_finding import LedgerFinding
from app.models.ledger_head import LedgerHead
from app.models.ledger_pending import ledger_pending
from app.models.ledger_publication import LedgerPublication
from app.models.ledger_tile import LedgerTile
from app.models.legal_hold import LegalHold
from app.models.model import Grant, Model
from app.models.model_version import ModelVersion
from app.models.notice import Notice, NoticeKind
from app.models.outcome import Outcome
from app.models.prediction import Channel, Prediction, Status
from app.models.prediction_count import CountedUntil, PredictionCount
from app.models.rate_limit import RateLimit
from app.models.review import Review, Verdict
from app.models.review_queue import ReviewAssignment, ReviewItem, ReviewQueue, SamplingRule
from app.models.roles import Role, Scope
from app.models.saved_view import SavedView
from app.models.token import Token
from app.models.user import User
from app.models.verification import Verification

__all__ = [
    "Artifact",
    "ArtifactChunk",
    "Base",
    "Channel",
    "ColumnChoice",
    "CountedUntil",
    "EndedSession",
    "Environment",
    "Event",
    "EventKind",
    "Grant",
    "IdempotencyKey",
    "LedgerCheckpoint",
    "LedgerEntry",
    "LedgerFinding",
    "LedgerHead",
    "LedgerPublication",
    "LedgerTile",
    "LegalHold",
    "Model",
    "ModelVersion",
    "Notice",
    "NoticeKind",
    "Outcome",
    "Prediction",
    "PredictionCount",
    "RateLimit",
    "Review",
    "ReviewAssignment",
    "ReviewItem",
    "ReviewQueue",
    "Role",
    "SamplingRule",
    "SavedView",
    "Scope",
    "Status",
    "Token",
    "User",
    "Verdict",
    "Verification",
    "ledger_pending",
]
