"""Reading signatures from data and estimators."""

import datetime

import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from ml.corrections import read_corrections
from ml.describe import columns_of_words, describe, read_examples
from ml.signature import SignatureError


def column(tmp_path, *cells):
    """The field that is read from one CSV column."""
    (tmp_path / "d.csv").write_text(
        "\n".join(["x,y", *(f"{cell},{i}" for i, cell in enumerate(cells))])
    )
    data = read_examples(tmp_path / "d.csv")

    class Estimator(BaseEstimator):
        n_features_in_ = 1

        def fit(self):
            self.fitted_ = True
            return self

        def predict(self, rows):
            return rows

    return describe(Estimator().fit(), data, "y", {}).inputs[0]


@pytest.mark.parametrize(
    ("cells", "kind", "required"),
    [
        (["1", "2", "9"], "integer", True),
        (["1", "", "9"], "integer", False),
        (["1.5", "2", "9"], "number", True),
        (["1.5", "", "9"], "number", False),
        (["True", "False", "True"], "boolean", True),
        (["FR", "DE", "FR"], "category", True),
        (["FR", "", "FR"], "category", False),
        (["NA", "SA", "NA"], "category", True),
        (["2026-01-01", "2026-02-01", "2026-01-01"], "date", True),
        ([f"note {i}" for i in range(60)], "text", True),
    ],
)
def test_types_are_read_from_the_cells(tmp_path, cells, kind, required):
    found = column(tmp_path, *cells)
    assert (found.type, found.required) == (kind, required)


def test_bounds_are_one_span_beyond_what_was_seen(tmp_path):
    found = column(tmp_path, "10.5", "30.5", "20.5")
    assert found.observed == (10.5, 30.5)
    assert found.minimum == 0  # It was never negative, so it may not be.
    assert 50.5 <= found.maximum <= 51


def test_a_field_that_may_be_negative_has_room_on_both_sides(tmp_path):
    found = column(tmp_path, "-5", "5", "0")
    assert (found.minimum, found.maximum) == (-15, 15)


def test_typical_values_are_median_and_mode(tmp_path):
    assert column(tmp_path, "1", "2", "9").typical == 2
    assert column(tmp_path, "a", "b", "b", "a", "b").typical == "b"


def test_categories_are_those_of_data_and_encoder(tmp_path):
    learned = pd.DataFrame({"c": ["a", "b", "z"]})
    columns = ColumnTransformer([("c", OneHotEncoder(handle_unknown="ignore"), ["c"])])
    estimator = make_pipeline(columns, LinearRegression()).fit(learned, [1, 2, 3])
    examples = pd.DataFrame({"c": ["a", "q"], "y": [1, 2]})
    assert describe(estimator, examples, "y", {}).inputs[0].categories == ("a", "b", "q", "z")


def test_inputs_have_the_order_of_the_estimator():
    data = pd.DataFrame({"b": [1.0, 2.0], "a": [2.0, 3.0], "y": [1.0, 2.0]})
    estimator = LinearRegression().fit(data[["a", "b"]], data["y"])
    signature = describe(estimator, data, "y", {})
    assert signature.names == ("a", "b")
    assert signature.output.type == "regression"
    assert signature.output.label == "y"


def test_classes_are_plain_values():
    data = pd.DataFrame({"a": [1.0, 2.0, 3.0], "y": ["no", "yes", "no"]})
    estimator = KNeighborsClassifier(1).fit(data[["a"]], data["y"])
    output = describe(estimator, data, "y", {}).output
    assert output.classes == ("no", "yes")
    assert {type(c) for c in output.classes} == {str}
    assert output.probabilities


def test_a_model_without_classes_answers_labels():
    data = pd.DataFrame({"a": [1.0, 2.0, 30.0]})
    estimator = KMeans(2, n_init=1).fit(data)
    assert describe(estimator, data, None, {}).output.type == "label"


def test_missing_columns_are_named():
    data = pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, 2.0]})
    estimator = LinearRegression().fit(data, [1, 2])
    with pytest.raises(SignatureError, match="lacks the columns b"):
        describe(estimator, data[["a"]], None, {})


def test_an_unknown_target_is_refused():
    data = pd.DataFrame({"a": [1.0, 2.0]})
    with pytest.raises(SignatureError, match="no column 'z'"):
        describe(LinearRegression().fit(data, [1, 2]), data, "z", {})


def test_corrections_win():
    data = pd.DataFrame({"a": [1.0, 2.0], "b": [1, 2], "y": [1.0, 2.0]})
    estimator = LinearRegression().fit(data[["a", "b"]], data["y"])
    corrections = {
        "inputs": {
            "a": {"unit": "m", "minimum": -7, "title": "A", "required": False, "default": 1.0},
            "b": {"type": "number"},
        },
        "output": {"unit": "EUR"},
    }
    signature = describe(estimator, data, "y", corrections)
    assert (signature["a"].unit, signature["a"].minimum, signature["a"].default) == ("m", -7, 1.0)
    assert signature["b"].type == "number"
    assert signature.output.unit == "EUR"


@pytest.mark.parametrize(
    ("corrections", "words"),
    [
        ({"inputs": {"z": {}}}, "unknown inputs: z"),
        ({"inputs": {"a": {"unti": "m"}}}, "unknown members: unti"),
        ({"output": {"unti": "m"}}, "unknown members: unti"),
        ({"inputs": {"a": {"minimum": 5, "maximum": 1}}}, "above the maximum"),
    ],
)
def test_corrections_that_do_not_fit_are_refused(corrections, words):
    data = pd.DataFrame({"a": [1.0, 2.0]})
    with pytest.raises(SignatureError, match=words):
        describe(LinearRegression().fit(data, [1, 2]), data, None, corrections)


def test_corrections_are_read_from_the_file_beside_the_artifact(tmp_path):
    assert read_corrections(tmp_path / "m.joblib") == {}
    (tmp_path / "m.yaml").write_text("title: T\ninputs: {a: {unit: m}}\n")
    assert read_corrections(tmp_path / "m.joblib") == {"title": "T", "inputs": {"a": {"unit": "m"}}}


@pytest.mark.parametrize("text", ["a: [", "titel: T", "- 1", "just words"])
def test_a_bad_corrections_file_is_refused(tmp_path, text):
    (tmp_path / "m.yaml").write_text(text)
    with pytest.raises(SignatureError):
        read_corrections(tmp_path / "m.joblib")


@pytest.mark.parametrize("text", ["", "a,b\n", 'a\n"unclosed'])
def test_examples_that_are_no_table_are_refused(tmp_path, text):
    (tmp_path / "d.csv").write_text(text)
    with pytest.raises(SignatureError):
        read_examples(tmp_path / "d.csv")


def test_missing_examples_are_refused(tmp_path):
    with pytest.raises(SignatureError, match="cannot be read"):
        read_examples(tmp_path / "none.csv")


def spelled(tmp_path, codes, corrections=None, with_encoder=True):
    """Register-like reading of a model whose categories look like numbers."""
    learned = pd.DataFrame({"zip": codes})
    truth = [code == codes[0] for code in codes]
    encoder = OneHotEncoder(handle_unknown="ignore")
    columns = ColumnTransformer([("z", encoder, ["zip"])]) if with_encoder else encoder
    estimator = make_pipeline(columns, KNeighborsClassifier(1)).fit(learned, truth)
    learned.to_csv(tmp_path / "d.csv", index=False)
    words = columns_of_words(estimator, None, corrections or {})
    data = read_examples(tmp_path / "d.csv", words)
    return describe(estimator, data, None, corrections or {}).inputs[0]


@pytest.mark.parametrize(
    "codes", [["07", "08", "09"], ["1", "2", "3"], ["07", "08", "10"], ["True", "False"]]
)
def test_words_that_look_like_numbers_stay_words(tmp_path, codes):
    found = spelled(tmp_path, codes)
    assert (found.type, found.categories) == ("category", tuple(sorted(codes)))
    assert found.typical in codes


def test_a_correction_makes_numbers_words(tmp_path):
    corrections = {"inputs": {"zip": {"type": "category", "categories": ["07", "08"]}}}
    found = spelled(tmp_path, ["07", "08"], corrections, with_encoder=False)
    assert found.categories == ("07", "08")


@pytest.mark.parametrize(
    "cells",
    [
        ["8e15", "9007199254740991"],
        ["1500000000000000000", "1500000000000000001"],
        ["-9e15", "9e15"],
    ],
)
def test_bounds_of_huge_integers_stay_within_the_profile(tmp_path, cells):
    cells = [str(int(float(cell))) if "e" in cell else cell for cell in cells]
    found = column(tmp_path, *cells)
    for bound in (found.minimum, found.maximum):
        assert bound is None or abs(bound) < 2**53


def test_huge_doubles_are_not_bounded(tmp_path):
    found = column(tmp_path, "-1e308", "1e308")
    assert (found.minimum, found.maximum) == (None, None)


def test_an_unfitted_estimator_is_refused():
    with pytest.raises(SignatureError, match="not fitted"):
        describe(KNeighborsClassifier(), pd.DataFrame({"a": [1.0]}), None, {})


def test_encoders_of_columns_by_slice_are_passed_over():
    data = pd.DataFrame({"a": ["x", "y", "x"], "b": [1.0, 2.0, 3.0]})
    columns = ColumnTransformer([("w", OneHotEncoder(), slice(0, 1))], remainder="passthrough")
    estimator = make_pipeline(columns, LinearRegression()).fit(data, [1, 2, 3])
    assert describe(estimator, data, None, {})["a"].categories == ("x", "y")


@pytest.mark.parametrize(
    "text",
    [
        "5",
        "inputs: [a]",
        "inputs: {a: 5}",
        "title: 5",
        "description: [x]",
        "output: x",
        "inputs: words",
    ],
)
def test_corrections_of_the_wrong_kind_are_refused(tmp_path, text):
    (tmp_path / "m.yaml").write_text(text)
    with pytest.raises(SignatureError):
        read_corrections(tmp_path / "m.joblib")


@pytest.mark.parametrize(
    "correction",
    [
        {"typical": datetime.date(2026, 1, 1)},
        {"title": 5},
        {"minimum": "low"},
        {"required": False, "default": "abc"},
        {"required": False, "default": True},
        {"required": False, "default": 99, "maximum": 10},
    ],
)
def test_corrections_with_values_of_the_wrong_kind_are_refused(correction):
    data = pd.DataFrame({"a": [1.0, 2.0]})
    estimator = LinearRegression().fit(data, [1, 2])
    with pytest.raises(SignatureError, match="field 'a'"):
        describe(estimator, data, None, {"inputs": {"a": correction}})


def test_the_type_of_the_output_cannot_be_corrected():
    data = pd.DataFrame({"a": [1.0, 2.0]})
    with pytest.raises(SignatureError, match="follows from the estimator"):
        describe(LinearRegression().fit(data, [1, 2]), data, None, {"output": {"type": "label"}})
