"""Batches: a row that fails does not fail its neighbours."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from app.identifiers import new_id
from app.models import Channel
from app.recorder import Submitted
from app.recorder.tickets import Ticket
from app.services.predictions import begin_attempt
from ml.runtime import ModelFailedError, Runtime
from tests.support.cast import GOOD_ROW


class Moody(BaseEstimator):
    """A model that does not like everybody's age."""

    feature_names_in_ = np.array(["age", "visits", "country"])

    def predict_proba(self, frame):
        if (frame["age"] == 66).any():
            raise ValueError("nobody is 66")
        yes = np.where(frame["age"] == 77, np.nan, 0.25)
        return np.column_stack([1 - yes, yes])


@pytest.fixture
def answer(context, cast):
    """Returns what becomes of rows of these ages that are answered together."""
    runtimes, caller = context.extensions["runtimes"], cast["owner"].caller
    loaded = runtimes.version(runtimes.entry(caller, "churn"))
    moody = replace(loaded, runtime=Runtime(Moody(), loaded.runtime.signature))

    def ticket(age):
        rows = loaded.runtime.validator.parse_json([GOOD_ROW | {"age": age}])
        return Ticket(
            attempt=begin_attempt(caller, Channel.API, new_id()), target=moody, key=None, size=0,
            work=Submitted(rows=rows, references=[None], subjects=[None]), deadline=float("inf"),
        )  # fmt: skip

    def answer(*ages):
        tickets = [ticket(age) for age in ages]
        context.extensions["recorder"]._process(tickets)
        return [type(one.error) if one.error else one.result[0].parts["output"] for one in tickets]

    return answer


@pytest.mark.parametrize("bad", [66.0, 77.0], ids=["raises", "answers NaN"])
def test_a_row_that_fails_does_not_fail_its_neighbours(answer, bad):
    (alone,) = answer(44.0)
    assert b'"yes":0.25' in alone
    assert answer(44.0, bad, 45.0, bad) == [alone, ModelFailedError, alone, ModelFailedError]
