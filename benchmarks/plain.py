"""What Daybook is measured against on its own server: nothing at all, and the way that tutorials teach.

`constant` answers without doing anything: the floor. `committed` is the floor of an answer that is kept: the
rows that wait together are scored by four lines of numpy, written by one statement, and that is all: no
token, no check, no commitment, no book, no count. `tutorial` scores with scikit-learn and keeps a row with
Flask-SQLAlchemy, one commit for each request.
"""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import orjson
import psycopg2
from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.worker import stay_on_one_processor, wake_without_interrupting

_KEEP = """
INSERT INTO plain_prediction (model, inputs, output)
SELECT 'logreg', one -> 'inputs', one -> 'output' FROM json_array_elements(%s::json) AS one
"""


class Base(DeclarativeBase):
    """The table's base."""


db = SQLAlchemy(model_class=Base)


class PlainPrediction(db.Model):  # type: ignore[name-defined,misc]
    """One answered request."""

    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str]
    inputs: Mapped[Any] = mapped_column(JSON)
    output: Mapped[Any] = mapped_column(JSON)


def constant() -> Flask:
    """Return an application whose only route answers a constant."""
    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: "ok")
    return app


def committed() -> Flask:
    """Return an application that keeps logistic regression's answers, at the least cost there is."""
    stay_on_one_processor()
    wake_without_interrupting()
    app = Flask(__name__)
    app.add_url_rule("/ready", view_func=lambda: "ok")
    together = _Together(_kernel(joblib.load(Path(os.environ["MODELS"], "logreg.joblib"))))

    @app.post("/logreg")
    def predict() -> Any:
        inputs = orjson.loads(request.get_data())["inputs"][0]
        answer = orjson.dumps({"predictions": [together.answer(inputs)]})
        return answer, 201, {"Content-Type": "application/json"}

    return app


class _Together:
    """Who finds nobody at work answers at once; else one thread takes everything that waits."""

    def __init__(self, score: Callable[[Any], Any]) -> None:
        self._score = score
        self._waiting: list[tuple[dict[str, Any], threading.Lock]] = []
        self._changed = threading.Condition(threading.Lock())
        self._at_work = threading.Lock()
        connection = psycopg2.connect(os.environ["DATABASE_URL"])
        connection.autocommit = True
        self._cursor = connection.cursor()
        threading.Thread(target=self._run, daemon=True).start()

    def answer(self, inputs: dict[str, float]) -> Any:
        row: dict[str, Any] = {"inputs": inputs}
        if not self._waiting and self._at_work.acquire(blocking=False):
            try:
                self._work([row])
            finally:
                self._at_work.release()
        else:
            answered = threading.Lock()
            answered.acquire()
            with self._changed:
                self._waiting.append((row, answered))
                self._changed.notify()
            answered.acquire()
        return row["output"]

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
            with self._at_work:
                with self._changed:
                    taken, self._waiting = self._waiting, []
                self._work([row for row, _ in taken])
            for _, answered in taken:
                answered.release()

    def _work(self, rows: list[dict[str, Any]]) -> None:
        outputs = self._score(np.array([list(row["inputs"].values()) for row in rows]))
        for row, output in zip(rows, outputs.tolist(), strict=True):
            row["output"] = output
        self._cursor.execute(_KEEP, (orjson.dumps(rows).decode(),))


def _kernel(pipeline: Any) -> Callable[[Any], Any]:
    scaler, regression = pipeline[0], pipeline[1]
    weights = regression.coef_[0] / scaler.scale_
    offset = regression.intercept_[0] - (weights * scaler.mean_).sum()

    def score(rows: Any) -> Any:
        positive = 1 / (1 + np.exp(-(rows @ weights + offset)))
        return np.column_stack([1 - positive, positive])

    return score


def tutorial() -> Flask:
    """Return an application that commits each answer by itself."""
    app = Flask(__name__)
    url = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg2://")
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_size": 32}
    db.init_app(app)
    app.add_url_rule("/ready", view_func=lambda: "ok")
    models = {path.stem: joblib.load(path) for path in Path(os.environ["MODELS"]).glob("*.joblib")}

    @app.post("/<name>")
    def predict(name: str) -> Any:
        inputs = request.get_json()["inputs"]
        rows = np.array([list(row.values()) for row in inputs])
        output = models[name].predict_proba(rows).tolist()
        db.session.add(PlainPrediction(model=name, inputs=inputs, output=output))
        db.session.commit()
        return {"predictions": output}

    return app


if __name__ == "__main__":
    with tutorial().app_context():
        db.create_all()
