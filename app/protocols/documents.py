"""The shapes of what other protocols read and answer, as the API's description shows them."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from app.protocols.tensors import DTYPES, TEXT

Datatype = Literal[(*DTYPES, TEXT)]  # type: ignore[valid-type]
_open = with_config(ConfigDict(extra="allow"))


class Live(TypedDict):
    """Whether the service lives."""

    live: bool


class Ready(Live):
    """Whether requests can be served."""

    ready: bool


class ServerMetadata(TypedDict):
    """Who answers, and which extensions it knows."""

    name: str
    version: str
    extensions: list[str]


class TensorMetadata(TypedDict):
    """A tensor of a model; -1 stands for any number of rows."""

    name: str
    datatype: Datatype
    shape: list[int]


class ModelMetadata(TypedDict):
    """A model's versions and tensors."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ModelReady(TypedDict):
    """Whether a model answers."""

    name: str
    ready: bool


@_open
class IndexRequest(TypedDict):
    """Which models are wanted."""

    ready: NotRequired[bool]


class IndexedModel(TypedDict):
    """A model, and whether it answers."""

    name: str
    version: str
    state: Literal["READY", "UNAVAILABLE"]
    reason: str


@_open
class InputTensor(TypedDict):
    """A column, named like an input of the model; or all of them, as one matrix."""

    name: str
    datatype: Datatype
    shape: Annotated[list[Annotated[int, Field(ge=0)]], Field(max_length=8)]
    data: NotRequired[list[Any]]
    parameters: NotRequired[dict[str, Any]]


@_open
class WantedTensor(TypedDict):
    """An output that is wanted."""

    name: Literal["predict", "predict_proba"]
    parameters: NotRequired[dict[str, Any]]


@_open
class InferenceRequest(TypedDict):
    """Tensors to answer; `id` is echoed and kept as the reference of the rows."""

    id: NotRequired[Annotated[str, Field(max_length=200)]]
    inputs: Annotated[list[InputTensor], Field(min_length=1)]
    outputs: NotRequired[list[WantedTensor]]
    parameters: NotRequired[dict[str, Any]]


class OutputTensor(TypedDict):
    """An output; its data is behind the JSON where bytes are wanted."""

    name: str
    datatype: Datatype
    shape: list[int]
    data: NotRequired[list[Any]]
    parameters: NotRequired[dict[str, Any]]


class InferenceResponse(TypedDict):
    """What a model answered."""

    model_name: str
    model_version: str
    id: str
    outputs: list[OutputTensor]


class Nothing(TypedDict):
    """Nothing is told: it is done."""


class ModelNames(TypedDict):
    """The models that the caller may use."""

    models: list[str]


@_open
class Instances(TypedDict):
    """Rows: objects by the names of the inputs, or lists in the model's order; values, where there is one input."""

    instances: Annotated[list[Any], Field(min_length=1)]


class Predictions(TypedDict):
    """What a model answered, a value for each row."""

    predictions: list[Any]


class SplitRows(TypedDict):
    """Rows of a table, and what its columns are called."""

    columns: NotRequired[list[str]]
    index: NotRequired[list[Any]]
    data: list[list[Any]]


class _Asked(TypedDict):
    params: NotRequired[dict[str, Any]]
    client_request_id: NotRequired[Annotated[str, Field(max_length=200)]]


class SplitTable(_Asked):
    """Rows of a table, apart from what its columns are called."""

    dataframe_split: SplitRows


class RecordsTable(_Asked):
    """Rows by the names of the inputs."""

    dataframe_records: Annotated[list[dict[str, Any]], Field(min_length=1)]


class InstancesTable(_Asked):
    """Rows, as TensorFlow Serving takes them."""

    instances: Annotated[list[Any], Field(min_length=1)]


class InputsTable(_Asked):
    """Columns by the names of the inputs, or rows."""

    inputs: dict[str, Any] | list[Any]


Table = SplitTable | RecordsTable | InstancesTable | InputsTable
