"""Four scikit-learn model servers at their best for two cores: how each is started, and how it is spoken to.

The settings aim at throughput: one row in a request, 32 keep-alive connections. Metrics and access logs
are off everywhere, and every server runs on uvloop and httptools.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOST = "127.0.0.1"
Row = list[float]

# One thread for each process: the processes already fill both cores, and BLAS threads
# would only compete with them for products as small as these.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Peer:
    """One model server: how to start it, and how to talk to it."""

    name: str
    command: Callable[[str, int], list[str]]  # for a model and a port
    environment: Callable[[str, int], dict[str, str]]  # what it adds to this process's
    ready_path: str  # {model} in a path stands for the model's name
    predict_path: str
    encode: Callable[[Row], bytes]
    decode: Callable[[bytes], Row]
    model_format: str = "joblib"

    @property
    def folder(self) -> Path:
        return HERE / f"{self.name}-server"  # no name that Python could import

    @property
    def programs(self) -> Path:
        return self.folder / ".venv" / "bin"

    def ready_url(self, model: str, port: int) -> str:
        return f"http://{HOST}:{port}{self.ready_path.format(model=model)}"

    def predict_url(self, model: str, port: int) -> str:
        return f"http://{HOST}:{port}{self.predict_path.format(model=model)}"

    def full_environment(self, model: str, port: int) -> dict[str, str]:
        path = f"{self.programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return os.environ | ENVIRONMENT | {"PATH": path} | self.environment(model, port)


# MLflow: its scoring server, a FastAPI application under uvicorn


def mlflow_command(model: str, port: int) -> list[str]:
    served = ["models", "serve", "-m", f"models/{model}", "--env-manager", "local"]
    # The default is one worker. It hands each request to a thread, and its threads
    # contend for the GIL; three workers keep two cores busy even though the connections
    # fall unevenly to them. There is no batching to tune.
    return ["mlflow", *served, "-h", HOST, "-p", str(port), "-w", "3"]


def mlflow_environment(model: str, port: int) -> dict[str, str]:
    return {
        "UVICORN_ACCESS_LOG": "false",  # mlflow has no option for it, but uvicorn does
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def mlflow_encode(row: Row) -> bytes:
    # "inputs" becomes an ndarray; the other forms would build a pandas.DataFrame.
    return json.dumps({"inputs": [row]}).encode()


def mlflow_decode(body: bytes) -> Row:
    probabilities: Row = json.loads(body)["predictions"][0]
    return probabilities


# MLServer (Seldon): the V2 protocol


def mlserver_command(model: str, port: int) -> list[str]:
    # No model-settings.json there: the environment describes the model and the server.
    return ["mlserver", "start", "models"]


def mlserver_environment(model: str, port: int) -> dict[str, str]:
    server = {
        "HOST": HOST,
        "HTTP_PORT": str(port),
        "GRPC_PORT": "0",  # any free one: it cannot be turned off
        # 0: predict in the HTTP server's own process. There is only one of these, and
        # with a worker the queues between them cost more than such a model does.
        "PARALLEL_WORKERS": "0",
        "DEBUG": "false",  # its access log
        "METRICS_ENDPOINT": "",
        "GZIP_ENABLED": "false",
    }
    served = {
        "NAME": model,
        "IMPLEMENTATION": "mlserver_sklearn.SKLearnModel",
        "URI": f"models/{model}.joblib",
        "EXTRA": json.dumps({"predict_fn": "predict_proba"}),
        # No more than the connections there are, so that a full batch need not wait.
        "MAX_BATCH_SIZE": "32",
        # Seconds to wait for a batch to fill. One connection waits all of it for
        # nothing, and 32 fill a batch sooner, so longer gains nothing.
        "MAX_BATCH_TIME": {"logreg": "0.0001", "forest": "0.001"}[model],
    }
    for name, value in served.items():
        server[f"MODEL_{name}"] = value
    return {f"MLSERVER_{name}": value for name, value in server.items()}


def mlserver_encode(row: Row) -> bytes:
    tensor = {"name": "rows", "shape": [1, len(row)], "datatype": "FP64", "data": row}
    return json.dumps({"inputs": [tensor]}).encode()


def mlserver_decode(body: bytes) -> Row:
    probabilities: Row = json.loads(body)["outputs"][0]["data"]
    return probabilities


# BentoML: see bentoml-server/service.py for its settings


def bentoml_command(model: str, port: int) -> list[str]:
    where = ["--host", HOST, "--port", str(port)]
    return ["bentoml", "serve", "service:Classifier", *where]


def bentoml_environment(model: str, port: int) -> dict[str, str]:
    return {
        "MODEL": model,
        # Not in the user's own folder.
        "BENTOML_HOME": str(HERE / "bentoml-server" / "home"),
        "BENTOML_DO_NOT_TRACK": "True",
        # BentoML 1.4 does to every request what pydantic warns about every time.
        "PYTHONWARNINGS": "ignore",
    }


def bentoml_encode(row: Row) -> bytes:
    return json.dumps({"rows": [row]}).encode()


def bentoml_decode(body: bytes) -> Row:
    probabilities: Row = json.loads(body)[0]
    return probabilities


# LitServe: see litserve-server/service.py for its settings


def litserve_command(model: str, port: int) -> list[str]:
    return ["python", "service.py", model, str(port)]


def litserve_environment(model: str, port: int) -> dict[str, str]:
    return {}


def litserve_encode(row: Row) -> bytes:
    return json.dumps({"row": row}).encode()


def litserve_decode(body: bytes) -> Row:
    probabilities: Row = json.loads(body)["probabilities"]
    return probabilities


PEERS = (
    Peer(
        name="mlflow",
        command=mlflow_command,
        environment=mlflow_environment,
        ready_path="/ping",
        predict_path="/invocations",
        encode=mlflow_encode,
        decode=mlflow_decode,
        model_format="mlflow",
    ),
    Peer(
        name="mlserver",
        command=mlserver_command,
        environment=mlserver_environment,
        ready_path="/v2/models/{model}/ready",
        predict_path="/v2/models/{model}/infer",
        encode=mlserver_encode,
        decode=mlserver_decode,
    ),
    Peer(
        name="bentoml",
        command=bentoml_command,
        environment=bentoml_environment,
        ready_path="/readyz",
        predict_path="/predict",
        encode=bentoml_encode,
        decode=bentoml_decode,
    ),
    Peer(
        name="litserve",
        command=litserve_command,
        environment=litserve_environment,
        ready_path="/health",
        predict_path="/predict",
        encode=litserve_encode,
        decode=litserve_decode,
    ),
)
