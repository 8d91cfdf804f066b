"""LitServe: python service.py {logreg|forest} PORT"""

import sys
from typing import Any

import joblib
import litserve
import numpy as np


class Classifier(litserve.LitAPI):
    def __init__(self, model_path: str) -> None:
        # Batches, because 32 rows (the connections there are) cost the model little
        # more than one. With a timeout of 0 the worker takes what is there rather than
        # wait for more; the price is that it polls, and keeps a core busy, when idle.
        super().__init__(max_batch_size=32, batch_timeout=0)
        self.model_path = model_path

    def setup(self, device: str) -> None:
        self.model = joblib.load(self.model_path)

    def decode_request(self, request: dict[str, Any]) -> np.ndarray:
        return np.array(request["row"])

    def predict(self, x: np.ndarray) -> np.ndarray:
        return self.model.predict_proba(x)

    def encode_response(self, output: np.ndarray) -> dict[str, list[float]]:
        return {"probabilities": output.tolist()}


def main(model: str, port: int) -> None:
    server = litserve.LitServer(
        Classifier(f"models/{model}.joblib"),
        accelerator="cpu",
        # Every request crosses a multiprocessing manager's queue to the worker. That
        # queue is the limit here; a second worker would only be one more at it.
        workers_per_device=1,
        # ZeroMQ rather than another such queue for the answers' way back.
        fast_queue=True,
    )
    server.run(
        host="127.0.0.1",
        port=port,
        num_api_servers=1,  # with the worker and the queue, enough for two cores
        log_level="warning",
        access_log=False,
        generate_client_file=False,
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
