"""What Daybook is measured against on its own server: nothing at all, and the way that tutorials teach.

`constant` answers without doing anything: the floor. `tutorial` scores with scikit-learn and keeps a row
with Flask-SQLAlchemy, one commit for each request.
"""

import os
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


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
