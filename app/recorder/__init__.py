"""The recorder: takes rows, scores them, commits them, and returns committed records.

An answer exists only as a committed record: there is no way to score without recording.
"""

from app.recorder.keys import Key, KeyInFlightError, KeyReusedError, KeysInFlight
from app.recorder.recorder import Limits, Recorder
from app.recorder.records import Attempt, LoadedVersion, Record, Submitted, Target
from app.recorder.tickets import (
    AuthorityLostError,
    Kept,
    ModelBusyError,
    OverloadedError,
    RecordingError,
    Unanswered,
)

__all__ = [
    "Attempt",
    "AuthorityLostError",
    "Kept",
    "Key",
    "KeyInFlightError",
    "KeyReusedError",
    "KeysInFlight",
    "Limits",
    "LoadedVersion",
    "ModelBusyError",
    "OverloadedError",
    "Record",
    "Recorder",
    "RecordingError",
    "Submitted",
    "Target",
    "Unanswered",
]
