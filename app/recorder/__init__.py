"""The recorder: takes rows, scores them, commits them, and returns committed records.

An answer exists only as a committed record: there is no way to score without recording.
"""

from app.recorder.recorder import Recorder, RecordingError
from app.recorder.records import Attempt, LoadedVersion, Record, Submitted, Target

__all__ = [
    "Attempt",
    "LoadedVersion",
    "Record",
    "Recorder",
    "RecordingError",
    "Submitted",
    "Target",
]
