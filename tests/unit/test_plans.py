"""Plans: how a version may be scored without changing a bit of any answer."""

import math
import time

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ml import measurement
from ml.describe import describe
from ml.edge_rows import edge_rows
from ml.evaluation import evaluate, valid_rows
from ml.kernels import kernel_of
from ml.measurement import choose_plan
from ml.plan import Call, Mode, Plan
from ml.runtime import ModelFailedError, Runtime
from tests.support.estimators import ESTIMATORS, TARGET, biopsies, fitted


def signature_of(estimator):
    return describe(estimator, biopsies(), TARGET, {})


def planned(estimator):
    signature = signature_of(estimator)
    rows = valid_rows(Runtime(estimator, signature), biopsies())
    return Runtime(estimator, signature, choose_plan(estimator, signature, rows)), rows


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_company_changes_no_bit(name, named):
    if name == "columns" and not named:
        pytest.skip("columns are chosen by name")
    runtime, rows = planned(fitted(name, named))
    alone = [runtime.score([row])[0] for row in rows]
    for size in (2, 3, 7, 16, 17, 40, 64, 65, 200):
        for start in (0, 5, 333):
            batch = rows[start : start + size]
            assert list(map(repr, runtime.score(batch))) == list(
                map(repr, alone[start : start + size])
            )


@pytest.mark.parametrize("name", ["svc", "knn", "forest", "boosting"])
def test_what_does_not_mix_rows_is_stacked_and_has_the_bits_of_scikit_learn(name):
    estimator = fitted(name)
    runtime, rows = planned(estimator)
    assert runtime.plan.mode is Mode.STACK
    plain = Runtime(estimator, runtime.signature)
    expected = [plain.score([row])[0] for row in rows[:100]]
    assert list(map(repr, runtime.score(rows[:100]))) == list(map(repr, expected))


@pytest.mark.parametrize("name", ["logistic", "ridge", "mlp"])
def test_matrix_products_are_padded_and_close_to_scikit_learn(name):
    estimator = fitted(name)
    runtime, rows = planned(estimator)
    assert runtime.plan.mode is not Mode.STACK
    found = [output["prediction"] for output in runtime.score(rows)]
    expected = estimator.predict(biopsies().drop(columns=TARGET)).tolist()
    assert found == pytest.approx(expected, rel=1e-12)


def test_known_estimators_are_asked_by_kernel():
    assert planned(fitted("logistic"))[0].plan.call is Call.KERNEL
    assert planned(fitted("forest"))[0].plan.call is Call.KERNEL
    assert planned(fitted("columns"))[0].plan.call is Call.UNCHECKED


@pytest.mark.parametrize(
    ("estimator", "method"),
    [
        (make_pipeline(StandardScaler(), LogisticRegression()), "predict_proba"),
        (make_pipeline(StandardScaler(with_mean=False), Ridge()), "predict"),
        (make_pipeline(StandardScaler(with_std=False), LinearRegression()), "predict"),
        (RandomForestClassifier(7), "predict_proba"),
        (RandomForestRegressor(7), "predict"),
        (ExtraTreesRegressor(7), "predict"),
        (DecisionTreeClassifier(), "predict_proba"),
        (DecisionTreeRegressor(), "predict"),
    ],
)
def test_a_kernel_answers_the_bits_of_its_estimator(estimator, method):
    data = biopsies()
    table = data.drop(columns=TARGET).to_numpy()
    estimator.fit(table, data[TARGET])
    kernel = kernel_of(estimator, method)
    for size in (1, 2, 16, 569):
        expected = getattr(estimator, method)(table[:size])
        assert np.array_equal(kernel(table[:size].copy()), expected)


def test_several_classes_have_a_kernel_too():
    table = biopsies().drop(columns=TARGET).to_numpy()
    labels = np.arange(len(table)) % 3
    estimator = make_pipeline(StandardScaler(), LogisticRegression()).fit(table, labels)
    expected = estimator.predict_proba(table[:16])
    assert np.array_equal(kernel_of(estimator, "predict_proba")(table[:16].copy()), expected)


def test_there_is_no_kernel_for_what_is_not_known():
    table = biopsies().drop(columns=TARGET).to_numpy()

    class Mine(StandardScaler):
        pass

    for scaler in (MinMaxScaler(), Mine()):
        estimator = make_pipeline(scaler, Ridge()).fit(table, table[:, 0])
        assert kernel_of(estimator, "predict") is None
    many = RandomForestRegressor(3).fit(table, table[:, :2])
    assert kernel_of(many, "predict") is None


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@pytest.mark.parametrize("number", [1e39, 1e300])
def test_what_a_kernel_cannot_answer_exactly_is_the_estimators(number):
    estimator = fitted("forest", named=False)
    runtime = Runtime(
        estimator, signature_of(estimator), Plan(mode=Mode.STACK, block=8, call=Call.KERNEL)
    )
    (row,) = valid_rows(runtime, biopsies())[:1]
    with pytest.raises(ModelFailedError, match="ValueError"):
        runtime.score([row | {"mean_radius": number}])  # Too large for the trees' 32 bits.


class Neighbourly(RegressorMixin, BaseEstimator):
    """Answers with the mean of the whole table: nobody may share a call with anybody."""

    def fit(self, table, _):
        self.n_features_in_ = table.shape[1]
        return self

    def predict(self, table):
        table = np.asarray(table)
        return table[:, 0] + table[:, 0].mean() if len(table) > 1 else table[:, 0]


def test_a_model_that_mixes_its_rows_is_asked_one_row_at_a_time():
    estimator = Neighbourly().fit(biopsies().drop(columns=TARGET).to_numpy(), None)
    runtime, rows = planned(estimator)
    assert runtime.plan.mode is Mode.SINGLE
    outputs = runtime.score(rows[:5])
    assert [output["prediction"] for output in outputs] == [row["mean_radius"] for row in rows[:5]]


class Slow(Neighbourly):
    def predict(self, table):
        time.sleep(0.001)
        return np.asarray(table)[:, 0]


def test_a_model_that_is_too_slow_to_measure_is_asked_plainly(monkeypatch):
    monkeypatch.setattr(measurement, "_MOST_SECONDS", 0.01)
    estimator = Slow().fit(biopsies().drop(columns=TARGET).to_numpy(), None)
    assert planned(estimator)[0].plan == Plan()


@pytest.mark.parametrize("plan", [Plan(), Plan(mode=Mode.PAD, block=16, call=Call.KERNEL)])
def test_a_plan_survives_its_storage(plan):
    assert Plan.from_json(plan.to_json()) == plan


def test_edge_rows_are_valid_and_reach_the_bounds():
    estimator = fitted("forest")
    corrections = {"inputs": {"mean_radius": {"minimum": -3, "maximum": 40, "required": False}}}
    signature = describe(estimator, biopsies(), TARGET, corrections)
    validator = Runtime(estimator, signature).validator
    rows = edge_rows(signature, validator, 48)
    assert rows == edge_rows(signature, validator, 48)
    assert len(rows) > 40
    assert {-3, 40, None} <= {row["mean_radius"] for row in rows}
    assert all(math.isfinite(row["mean_texture"]) for row in rows)


@pytest.mark.parametrize("count", [10, 200])
@pytest.mark.parametrize("named", [True, False])
def test_few_and_many_examples_are_evaluated_in_padded_blocks_too(named, count):
    estimator = fitted("logistic", named)
    runtime = Runtime(estimator, signature_of(estimator), Plan(mode=Mode.PAD, block=16))
    assert evaluate(runtime, biopsies().head(count), TARGET)["examples"] == count
