"""One fitted estimator of each kind that scores a row in its own way, on real data."""

import warnings
from functools import cache

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

TARGET = "malignant"


@cache
def biopsies() -> pd.DataFrame:
    found = load_breast_cancer(as_frame=True)
    data = found.data.rename(columns=lambda name: name.replace(" ", "_"))
    return data.assign(**{TARGET: found.target})


def _columns() -> ColumnTransformer:
    names = list(biopsies().columns[:-1])
    return ColumnTransformer([("scaled", StandardScaler(), names[:20])], remainder="passthrough")


ESTIMATORS = {
    "logistic": lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)),
    "ridge": lambda: make_pipeline(StandardScaler(), Ridge()),
    "mlp": lambda: make_pipeline(
        StandardScaler(), MLPClassifier((50,), max_iter=40, random_state=0)
    ),
    "svc": lambda: make_pipeline(StandardScaler(), SVC()),
    "knn": lambda: make_pipeline(StandardScaler(), KNeighborsClassifier()),
    "forest": lambda: RandomForestClassifier(30, random_state=0),
    "boosting": lambda: HistGradientBoostingClassifier(max_iter=30, random_state=0),
    "columns": lambda: make_pipeline(_columns(), LogisticRegression(max_iter=3000)),
}


@cache
def fitted(name: str, named: bool = True):
    data = biopsies()
    table = data.drop(columns=TARGET)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # How good they are is not asked here.
        return ESTIMATORS[name]().fit(table if named else table.to_numpy(), data[TARGET])
