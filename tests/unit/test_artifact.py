"""Artifacts: only known bytes are deserialized."""

import io
import pickle
import warnings

import joblib
import pytest
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.linear_model import LinearRegression

from ml import artifact

ESTIMATOR = LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0])


def dumped(value):
    buffer = io.BytesIO()
    joblib.dump(value, buffer)
    return buffer.getvalue()


class Explosive:
    """A pickle that leaves a trace when it is deserialized."""

    exploded = False

    def __reduce__(self):
        return (_explode, ())


def _explode():
    Explosive.exploded = True


def test_known_bytes_are_loaded():
    data = dumped(ESTIMATOR)
    assert artifact.load(data, artifact.digest(data)).predict([[2.0]]) == pytest.approx([4.0])


def test_bytes_of_another_digest_are_not_deserialized():
    data = pickle.dumps(Explosive())
    with pytest.raises(artifact.DigestMismatchError, match="Restore it from a backup"):
        artifact.load(data, bytes(32))
    assert not Explosive.exploded


def test_truncated_bytes_are_not_deserialized():
    data = dumped(ESTIMATOR)
    with pytest.raises(artifact.DigestMismatchError):
        artifact.load(data[:-1], artifact.digest(data))


@pytest.mark.parametrize("data", [b"", b"nonsense", dumped(ESTIMATOR)[:-20]])
def test_bytes_that_are_no_pickle_are_unreadable(data):
    with pytest.raises(artifact.UnreadableArtifactError, match=r"joblib\.dump"):
        artifact.load(data, artifact.digest(data))


def test_an_object_without_predict_is_unreadable():
    data = dumped({"a": 1})
    with pytest.raises(artifact.UnreadableArtifactError, match="no scikit-learn estimator"):
        artifact.load(data, artifact.digest(data))


def test_another_version_of_scikit_learn_is_an_error_with_a_way_out(monkeypatch):
    def load(_):
        warnings.warn(
            InconsistentVersionWarning(
                estimator_name="X",
                current_sklearn_version="1.9.1",
                original_sklearn_version="1.2.0",
            ),
            stacklevel=1,
        )

    monkeypatch.setattr(joblib, "load", load)
    with pytest.raises(artifact.IncompatibleVersionError, match=r"scikit-learn==1\.2\.0"):
        artifact.load(b"x", artifact.digest(b"x"))


def test_a_missing_file_is_a_clear_error(tmp_path):
    with pytest.raises(artifact.MissingArtifactError, match="No such file"):
        artifact.read(tmp_path / "none.joblib")


def test_bytes_made_with_another_version_are_not_even_deserialized():
    data = pickle.dumps(Explosive())
    Explosive.exploded = False
    with pytest.raises(artifact.IncompatibleVersionError, match=r"made with scikit-learn 1\.0\.2"):
        artifact.load(data, artifact.digest(data), made_with="1.0.2")
    assert not Explosive.exploded
