"""The fixed cast: who owns, who works beside them, who is a stranger, who audits, who administers."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import joblib
import numpy as np
import pandas as pd
from itsdangerous import URLSafeTimedSerializer
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from app.access import ROLE_SCOPES, Caller
from app.auth.guard import SESSION_ID
from app.extensions import db
from app.identifiers import new_id
from app.models import Role
from app.services import model_access, registry, tokens, users
from app.services.registry import Registration
from tests.support.postgres import SECRET

PASSWORD = "correct horse battery staple"
ROLES = {
    "owner": Role.ANALYST,
    "colleague": Role.ANALYST,
    "stranger": Role.ANALYST,
    "auditor": Role.AUDITOR,
    "admin": Role.ADMIN,
}
GOOD_ROW = {"age": 44.0, "visits": 3, "country": "FR"}


@dataclass(frozen=True)
class Member:
    """One of the cast, with a token of all scopes of the role."""

    id: UUID
    email: str
    role: Role
    token: str
    uniquifier: str

    @property
    def caller(self) -> Caller:
        return Caller(
            user_id=self.id, email=self.email, role=self.role, scopes=ROLE_SCOPES[self.role]
        )

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def customers(count: int = 200) -> pd.DataFrame:
    """Made-up customers with a rule behind them, the same at every call."""
    random = np.random.default_rng(7)
    table = pd.DataFrame(
        {
            "age": random.uniform(18, 80, count).round(1),
            "visits": random.integers(0, 30, count),
            "country": random.choice(["FR", "DE", "PL"], count),
        }
    )
    score = table["age"] / 40 - table["visits"] / 10 + (table["country"] == "PL")
    table["left"] = np.where(score + random.normal(0, 0.3, count) > 1, "yes", "no")
    return table


def churn_estimator(data: pd.DataFrame, seed: float = 1.0):
    columns = ColumnTransformer(
        [("words", OneHotEncoder(), ["country"]), ("numbers", StandardScaler(), ["age", "visits"])]
    )
    estimator = make_pipeline(columns, LogisticRegression(C=seed))
    return estimator.fit(data[["age", "visits", "country"]], data["left"])


def write_model(folder: Path, estimator, data: pd.DataFrame, name: str = "churn") -> Path:
    """Write artifact and examples, and return the artifact's path; the CSV is beside it."""
    path = folder / f"{name}.joblib"
    joblib.dump(estimator, path)
    data.to_csv(path.with_suffix(".csv"), index=False)
    return path


def register(path: Path, name: str, *, target: str | None = "left", activate: bool = True, **more):
    given = Registration(
        name=name, path=path, data=path.with_suffix(".csv"), target=target,
        registered_by="tests", **more,
    )  # fmt: skip
    version = registry.register_version(given)
    number = version.number
    if activate:
        registry.activate_version(name, number)
    db.session.commit()
    return number


def make_cast() -> Mapping[str, Member]:
    cast = {}
    for name, role in ROLES.items():
        user = users.create_user(f"{name}@example.com", role, PASSWORD)
        _, secret = tokens.create_token(user, "tests", [str(s) for s in ROLE_SCOPES[role]])
        cast[name] = Member(user.id, user.email, role, secret, user.fs_uniquifier)
    db.session.commit()
    return cast


def make_world(folder: Path) -> Mapping[str, Member]:
    """The cast, and the model `churn`: restricted, the owner's, granted to the colleague."""
    cast = make_cast()
    data = customers()
    path = write_model(folder, churn_estimator(data), data)
    register(path, "churn", owner=users.find_user("owner@example.com"), restricted=True)
    model_access.grant_model("churn", users.find_user("colleague@example.com"))
    db.session.commit()
    return cast


def sign_in(client, member: Member) -> None:
    """Put a member into the client's session, as signing in does."""
    with client.session_transaction() as session:
        session.clear()
        session["_user_id"] = member.uniquifier
        session["_fresh"] = True
        session[SESSION_ID] = str(new_id())
        session["fs_paa"] = time.time()
        session["csrf_token"] = "0" * 40


def csrf_token() -> str:
    """A token that fits the session that `sign_in` made."""
    return URLSafeTimedSerializer(SECRET, salt="wtf-csrf-token").dumps("0" * 40)
