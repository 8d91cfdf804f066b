"""Scoring rows with real estimators."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsRegressor

from ml.describe import describe
from ml.evaluation import EvaluationError, evaluate, example_rows
from ml.runtime import ModelFailedError, Runtime

DATA = pd.DataFrame(
    {"a": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0] * 5, "b": [5, 3, 1, 2, 2, 0] * 5}
)  # fmt: skip
LABEL = pd.Series(["no", "no", "no", "yes", "yes", "yes"] * 5, name="y")
AMOUNT = pd.Series([0.0, 1.0, 2.0, 3.0, 4.0, 5.0] * 5, name="y")


def runtime(estimator, truth=LABEL, names=True, corrections=None):
    fitted = estimator.fit(DATA if names else DATA.to_numpy(), truth)
    data = DATA.assign(y=truth)
    return Runtime(fitted, describe(fitted, data, "y", corrections or {})), data


@pytest.mark.parametrize("names", [True, False])
@pytest.mark.parametrize(
    "estimator", [LogisticRegression(), RandomForestClassifier(5), HistGradientBoostingClassifier()]
)
def test_a_classifier_answers_label_and_probabilities(estimator, names):
    loaded, _ = runtime(estimator, names=names)
    (output,) = loaded.score([{"a": 5.0, "b": 0}])
    expected = loaded.estimator.predict_proba(loaded.table([{"a": 5.0, "b": 0}]))[0]
    assert output["prediction"] == "yes" or output["probabilities"]["no"] >= 0.5
    assert list(output["probabilities"].values()) == expected.tolist()
    assert {type(value) for value in output["probabilities"].values()} == {float}


@pytest.mark.parametrize("estimator", [LinearRegression(), KNeighborsRegressor(2)])
def test_a_regressor_answers_a_double(estimator):
    loaded, _ = runtime(estimator, AMOUNT)
    (output,) = loaded.score([{"a": 5.0, "b": 0}])
    assert type(output["prediction"]) is float


def test_integer_labels_stay_integers():
    loaded, _ = runtime(LogisticRegression(), pd.Series([0, 0, 0, 1, 1, 1] * 5, name="y"))
    (output,) = loaded.score([{"a": 5.0, "b": 0}])
    assert output["prediction"] == 1
    assert type(output["prediction"]) is int
    assert set(output["probabilities"]) == {"0", "1"}


def test_a_missing_value_reaches_the_model_as_nan():
    loaded, _ = runtime(HistGradientBoostingClassifier())
    table = loaded.table([{"a": None, "b": None}])
    assert table.isna().all().all()
    assert table.dtypes.tolist() == [np.float64, np.float64]


def test_what_the_model_raises_does_not_show_its_words(monkeypatch):
    loaded, _ = runtime(LogisticRegression())

    def fail(_):
        raise ValueError("could not convert 'Ana' to float")

    monkeypatch.setattr(loaded.estimator, "predict_proba", fail)
    with pytest.raises(ModelFailedError, match=r"^The model raised ValueError\.$"):
        loaded.score([{"a": 1.0, "b": 1}])


@pytest.mark.parametrize(
    "answer", [[[np.nan, 0.5]], [[np.inf, 0.0]], [[1.0]], [[0.5, 0.5], [0.5, 0.5]], []]
)
def test_probabilities_that_are_no_answer_are_a_failure(monkeypatch, answer):
    loaded, _ = runtime(LogisticRegression())
    monkeypatch.setattr(loaded.estimator, "predict_proba", lambda _: np.array(answer))
    with pytest.raises(ModelFailedError):
        loaded.score([{"a": 1.0, "b": 1}])


@pytest.mark.parametrize("answer", [[np.nan], [np.inf], [1.0, 2.0], [None], [[1.0, 2.0]]])
def test_answers_that_are_no_number_are_a_failure(monkeypatch, answer):
    loaded, _ = runtime(LinearRegression(), AMOUNT)
    monkeypatch.setattr(loaded.estimator, "predict", lambda _: np.array(answer, dtype=object))
    with pytest.raises(ModelFailedError):
        loaded.score([{"a": 1.0, "b": 1}])


def test_evaluation_measures_on_the_target():
    loaded, data = runtime(LinearRegression(), AMOUNT)
    found = evaluate(loaded, data, "y")
    assert found["examples"] == 30
    assert found["r2"] == pytest.approx(1)
    loaded, data = runtime(RandomForestClassifier(20, random_state=0))
    assert evaluate(loaded, data, "y")["accuracy"] == 1
    assert evaluate(loaded, data, None) == {"examples": 30}


def test_labels_that_differ_from_the_probabilities_are_found(monkeypatch):
    loaded, data = runtime(LogisticRegression())
    ask = loaded.estimator.predict_proba
    monkeypatch.setattr(loaded.estimator, "predict_proba", lambda table: ask(table)[:, ::-1])
    with pytest.raises(EvaluationError, match=r"30 of 30 examples .*\{probabilities: false\}"):
        evaluate(loaded, data, "y")


def test_without_probabilities_predict_answers():
    loaded, data = runtime(LogisticRegression(), corrections={"output": {"probabilities": False}})
    assert loaded.score([{"a": 5.0, "b": 0}]) == [{"prediction": "yes"}]
    assert evaluate(loaded, data, "y")["accuracy"] == 1


def test_examples_that_do_not_fit_the_corrected_signature_are_found():
    corrections = {"inputs": {"a": {"maximum": 2}}}
    loaded, data = runtime(LogisticRegression(), corrections=corrections)
    with pytest.raises(EvaluationError, match=r"row 4, a: Enter 2 or less\."):
        evaluate(loaded, data, "y")


def test_unknown_classes_in_the_target_are_found():
    loaded, data = runtime(LogisticRegression())
    with pytest.raises(EvaluationError, match="unknown classes: maybe"):
        evaluate(loaded, data.assign(y="maybe"), "y")


def test_a_target_with_gaps_is_found():
    loaded, data = runtime(LogisticRegression())
    with pytest.raises(EvaluationError, match="missing values"):
        evaluate(loaded, data.assign(y=None), "y")


def test_examples_become_json_values():
    loaded, data = runtime(LogisticRegression())
    row = example_rows(loaded.signature, data)[0]
    assert {name: type(value) for name, value in row.items()} == {"a": float, "b": int}


@pytest.mark.parametrize(
    ("classes", "truth"), [([0.0, 1.0], [0, 1]), ([False, True], [0, 1]), ([0, 1], [False, True])]
)
def test_classes_that_a_csv_writes_otherwise_are_the_same(classes, truth):
    loaded, data = runtime(
        LogisticRegression(), pd.Series([*[classes[0]] * 3, *[classes[1]] * 3] * 5, name="y")
    )
    told = data.assign(y=[*[truth[0]] * 3, *[truth[1]] * 3] * 5)
    assert evaluate(loaded, told, "y")["accuracy"] == 1


def test_a_target_of_words_does_not_fit_a_regressor():
    loaded, data = runtime(LinearRegression(), AMOUNT)
    with pytest.raises(EvaluationError, match="does not fit a regression"):
        evaluate(loaded, data.assign(y="much"), "y")


def test_a_model_of_several_answers_a_row_says_so():
    fitted = LinearRegression().fit(DATA, np.column_stack([AMOUNT, AMOUNT]))
    loaded = Runtime(fitted, describe(fitted, DATA, None, {}))
    with pytest.raises(ModelFailedError, match="several values for a row"):
        loaded.score([{"a": 1.0, "b": 1}])
