"""What the service answers."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Answer:
    """One row's answer.

    `output` has the `prediction`, and `probabilities` if the model has them; `leaf_hash` (hexadecimal) is the receipt
    that the book must agree with.
    """

    id: str
    output: dict[str, Any]
    leaf_hash: str

    @property
    def prediction(self) -> Any:
        """What the model answered."""
        return self.output["prediction"]


@dataclass(frozen=True)
class Proof:
    """The proof that a record is in the book, a tlog-proof file; `python -m verifier proof` checks it."""

    text: str

    def write(self, path: str | PathLike[str]) -> None:
        """Write the file."""
        Path(path).write_text(self.text, encoding="utf-8")
