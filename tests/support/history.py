"""A small history: accepted records of two people, refused ones, and an erased one."""

from sqlalchemy import select

from app.extensions import db
from app.models import Prediction
from app.services import erasure
from tests.support.cast import GOOD_ROW

URL = "/api/v1/models/churn/predictions"
ROWS = [
    {"age": age, "visits": visits, "country": country}
    for age, visits, country in [(44.0, 3, "FR"), (18, 0, "DE"), (61.5, 29, "PL"), (61.5, 3, "FR"), (79.9, 12, "DE")]
]  # fmt: skip
REFERENCES = ["A-1", "a_1", "50%", None, r"back\slash"]


def record_some(client, cast) -> list[Prediction]:
    """Record them, and return them all."""
    for who, subjects in (("owner", ["customer-7"] * 5), ("colleague", [None] * 5)):
        body = {"inputs": ROWS, "references": REFERENCES, "subjects": subjects}
        assert client.post(URL, json=body, headers=cast[who].bearer).status_code == 201
    for body in (
        {"inputs": [{"age": "x"}]},
        {"inputs": "FR"},
        {"inputs": [{**GOOD_ROW, "age": 999}]},
    ):
        assert client.post(URL, json=body, headers=cast["owner"].bearer).status_code == 422
    client.post("/api/v1/models/nothing/predictions", json={}, headers=cast["owner"].bearer)
    (last,) = client.post(URL, json={"inputs": ROWS[:1]}, headers=cast["owner"].bearer).get_json()[
        "predictions"
    ]
    erasure.erase_prediction(last["id"], basis="x", actor_id=None)
    return db.session.scalars(select(Prediction)).all()
