"""BentoML: the model that the environment variable MODEL names."""

import os
from typing import Annotated

import bentoml
import joblib
import numpy as np
from bentoml.validators import ContentType, DType

Rows = Annotated[np.ndarray, DType("float64")]
# With the content type stated, BentoML need not build the output's JSON schema
# for every response to find it out (some 90 microseconds each).
Probabilities = Annotated[np.ndarray, ContentType("application/json")]


@bentoml.service(
    # One process for each core. HTTP and JSON cost more than the model here, so the
    # whole request is worth running in parallel; each process makes its own batches.
    workers=2,
    # Both cost time on every request, and nothing here reads them.
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
)
class Classifier:
    def __init__(self) -> None:
        self.model = joblib.load(f"models/{os.environ['MODEL']}.joblib")

    # Batches, because 32 rows (the connections there are) cost the model little more
    # than one. max_latency_ms is no waiting time but the age at which a request is
    # refused with a 503, so it stays at its lenient default.
    @bentoml.api(batchable=True, max_batch_size=32)
    async def predict(self, rows: Rows) -> Probabilities:
        # async, so in the event loop: a batch takes less time than the way to a
        # thread and back, with both threads then contending for the GIL.
        return self.model.predict_proba(rows)
