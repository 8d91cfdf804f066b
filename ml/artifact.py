"""Artifacts: serialized estimators, known by their SHA-256.

A pickle is code. This module is the only place that deserializes one, and it does so only from
bytes whose digest the caller expects: read once, hashed, compared, deserialized from those very bytes.
"""

import hashlib
import io
import warnings
from pathlib import Path
from typing import Any

import joblib
import sklearn
from sklearn.base import BaseEstimator
from sklearn.exceptions import InconsistentVersionWarning


class ArtifactError(Exception):
    """An artifact cannot be used; the message says why, and what to do."""


class MissingArtifactError(ArtifactError):
    """There is no artifact where one should be."""


class DigestMismatchError(ArtifactError):
    """The bytes are not those that were registered: changed, truncated, or another file."""


class IncompatibleVersionError(ArtifactError):
    """The artifact was made with another version of a library."""


class UnreadableArtifactError(ArtifactError):
    """The bytes are no serialized estimator."""


def read(path: Path) -> bytes:
    """Return the bytes of an artifact file.

    Raises:
        MissingArtifactError: if the file cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise MissingArtifactError(f"{path} cannot be read: {reason}.") from None


def digest(data: bytes) -> bytes:
    """Return the SHA-256 of an artifact, 32 bytes."""
    return hashlib.sha256(data).digest()


def load(data: bytes, expected_sha256: bytes, *, made_with: str | None = None) -> Any:
    """Deserialize an estimator from bytes that are known.

    Args:
        data: the artifact.
        expected_sha256: its digest, as the registry knows it.
        made_with: the version of scikit-learn that made it, if that is known.

    Raises:
        DigestMismatchError: if the bytes have another SHA-256; nothing is deserialized then.
        IncompatibleVersionError: if scikit-learn says that another version made them.
        UnreadableArtifactError: if they cannot be deserialized to something with `predict`.
    """
    found = digest(data)
    if found != expected_sha256:
        raise DigestMismatchError(
            f"The artifact should have SHA-256 {expected_sha256.hex()}, but its"
            f" {len(data):,} bytes have {found.hex()}. Restore it from a backup."
        )
    if made_with is not None and made_with != sklearn.__version__:
        raise _incompatible(made_with)
    estimator = _deserialize(data)
    if not (isinstance(estimator, BaseEstimator) and hasattr(estimator, "predict")):
        raise UnreadableArtifactError(
            f"The artifact holds a {type(estimator).__name__}, which is no scikit-learn estimator"
            " with a predict method."
        )
    return estimator


def _deserialize(data: bytes) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error", InconsistentVersionWarning)
        try:
            return joblib.load(io.BytesIO(data))
        except InconsistentVersionWarning as warning:
            raise _incompatible(warning.original_sklearn_version) from None
        except Exception as error:
            raise UnreadableArtifactError(
                f"The artifact cannot be deserialized ({type(error).__name__}: {error})."
                " Save the fitted estimator with joblib.dump, with the library versions of this"
                " service, and without classes of your own that it does not have."
            ) from error


def _incompatible(made: str) -> IncompatibleVersionError:
    here = sklearn.__version__
    return IncompatibleVersionError(
        f"The artifact was made with scikit-learn {made}, this service runs {here}."
        f" Train it again with {here}, or install scikit-learn=={made} here."
    )
