"""Fit the two models and save them, with the scikit-learn of the running environment.

    python train.py {joblib|mlflow} FOLDER

FOLDER then holds logreg and forest (a .joblib file or an MLflow folder each) and
expected.json: some rows, and the probabilities the models themselves give for them.
"""

import json
import sys
from pathlib import Path

import joblib
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

ROWS_TO_CHECK = slice(None, None, 9)  # 64 of the 569 rows, both classes


def save_joblib(model: object, path: Path) -> None:
    """Save a model as most servers load it."""
    joblib.dump(model, path.with_suffix(".joblib"))


def save_mlflow(model: object, path: Path) -> None:
    """Save a model as MLflow serves it fastest."""
    import mlflow.sklearn

    mlflow.sklearn.save_model(
        model,
        path,
        pyfunc_predict_fn="predict_proba",
        # The only format that takes any estimator without a list of trusted types.
        serialization_format="cloudpickle",
        # Served from this very environment: no need to work out (slowly) what it needs.
        pip_requirements=[],
        # No signature: the rows arrive as an ndarray, as the models were fitted, and
        # there is no schema for MLflow to check each of them against.
        signature=None,
    )


def main(kind: str, folder: Path) -> None:
    """Fit and save both models."""
    save = {"joblib": save_joblib, "mlflow": save_mlflow}[kind]
    features, target = load_breast_cancer(return_X_y=True)
    models = {
        "logreg": make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        "forest": RandomForestClassifier(100, random_state=0),
    }
    rows = features[ROWS_TO_CHECK]
    expected = {"rows": rows.tolist()}
    for name, model in models.items():
        model.fit(features, target)
        expected[name] = model.predict_proba(rows).tolist()
        save(model, folder / name)
    (folder / "expected.json").write_text(json.dumps(expected))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
