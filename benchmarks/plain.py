"""What Daybook is measured against on its own server: nothing at all, and the way that tutorials teach.

`constant` answers without doing anything: the floor. `committed` is the floor of an answer that is kept: the
rows that wait together are scored by four lines of numpy, written by one statement, and that is all: no
token, no check, no commitment, no book, no count. `recorded` is the floor of Daybook's own answer: the same
with the record that Daybook keeps, made and written by its functions, and nothing else of the service.
`stored` is the floor below that: the same rows in the same tables, by one prepared statement that looks
whether the one caller's account may still ask (in its own snapshot: less surely than Daybook).
`tutorial` scores with scikit-learn and keeps a row with Flask-SQLAlchemy, one commit for each request.
"""

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import orjson
import psycopg2
from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app import create_app
from app.access import OPERATOR
from app.extensions import db as daybook
from app.models import Channel, Role, User
from app.recorder import Attempt, Submitted
from app.recorder.scoring import make_all_records
from app.recorder.statements import RECORD, Batch
from app.recorder.tickets import Ticket
from app.worker import stay_on_one_processor, wake_without_interrupting

Row = dict[str, Any]
_KEEP = """
INSERT INTO plain_prediction (model, inputs, output)
SELECT 'logreg', one -> 'inputs', one -> 'output' FROM json_array_elements(%s::json) AS one
"""
_COLUMNS = ", ".join(column.name for column in daybook.metadata.tables["predictions"].columns)
_PREPARE = f"""
SET plan_cache_mode = force_generic_plan;
PREPARE store(prediction_to_record[], uuid, text) AS
WITH given AS MATERIALIZED (
    SELECT r.* FROM users, pg_advisory_xact_lock_shared(7233173838382854003), unnest($1) AS r
    WHERE users.id = $2 AND users.active AND users.role = $3
), made AS (INSERT INTO predictions ({_COLUMNS}) SELECT {_COLUMNS} FROM given)
INSERT INTO ledger_pending (kind, id, leaf_hash) SELECT 'prediction', id, leaf_hash FROM given
"""
_STORE = "EXECUTE store(%s::prediction_to_record[], %s, %s)"


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
    score = _kernel(joblib.load(Path(os.environ["MODELS"], "logreg.joblib")))
    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    connection.autocommit = True
    cursor = connection.cursor()

    def work(rows: list[Row]) -> None:
        outputs = score(np.array([list(row["inputs"].values()) for row in rows]))
        for row, output in zip(rows, outputs.tolist(), strict=True):
            row["output"] = output
        cursor.execute(_KEEP, (orjson.dumps(rows).decode(),))

    return _answering_together(work)


def recorded() -> Flask:
    """Return an application that keeps the records that Daybook keeps, at the least cost there is."""
    ours = create_app()
    book = ours.extensions["recorder"]._book
    return _keeping_records(ours, lambda tickets: book.call(RECORD, Batch(tickets).to_record()))


def stored() -> Flask:
    """Return an application that stores the same rows as `recorded`, for an account that may still ask."""
    cursor = psycopg2.connect(os.environ["DATABASE_URL"]).cursor()
    cursor.connection.autocommit = True
    cursor.execute(_PREPARE)

    def store(tickets: Sequence[Ticket]) -> None:
        _, rows, _ = Batch(tickets).to_record()
        who = tickets[0].attempt
        cursor.execute(_STORE, (rows, who.actor_id, who.role))
        if cursor.rowcount != len(rows):
            raise RuntimeError("not stored: the account may not ask any more")

    return _keeping_records(create_app(), store)


def _keeping_records(ours: Flask, keep: Callable[[Sequence[Ticket]], Any]) -> Flask:
    with ours.app_context():
        runtimes = ours.extensions["runtimes"]
        version = runtimes.version(runtimes.entry(OPERATOR, "logreg"))
        actor_id, role = daybook.session.execute(select(User.id, User.role)).one()
    none: list[None] = [None]

    def ticket(row: Row) -> Ticket:
        attempt = Attempt(
            actor_id=str(actor_id), token_id=None, role=Role(role), channel=Channel.API
        )
        submitted = Submitted(rows=[row["inputs"]], references=none, subjects=none)
        return Ticket(attempt=attempt, target=version, work=submitted, key=None, size=0, deadline=0)

    def work(rows: list[Row]) -> None:
        tickets = [ticket(row) for row in rows]
        make_all_records(tickets)
        keep(tickets)
        for row, done in zip(rows, tickets, strict=True):
            row["output"] = [orjson.Fragment(one.parts["output"]) for one in done.records or ()]

    return _answering_together(work)


def _answering_together(work: Callable[[list[Row]], None]) -> Flask:
    stay_on_one_processor()
    wake_without_interrupting()
    app = Flask(__name__)
    app.add_url_rule("/ready", view_func=lambda: "ok")
    together = _Together(work)

    @app.post("/logreg")
    def predict() -> Any:
        inputs = orjson.loads(request.get_data())["inputs"][0]
        answer = orjson.dumps({"predictions": [together.answer(inputs)]})
        return answer, 201, {"Content-Type": "application/json"}

    return app


class _Together:
    """Who finds nobody at work answers at once; else one thread takes everything that waits."""

    def __init__(self, work: Callable[[list[Row]], None]) -> None:
        self._work = work
        self._waiting: list[tuple[Row, threading.Lock]] = []
        self._changed = threading.Condition(threading.Lock())
        self._at_work = threading.Lock()
        threading.Thread(target=self._run, daemon=True).start()

    def answer(self, inputs: dict[str, float]) -> Any:
        row: Row = {"inputs": inputs}
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
