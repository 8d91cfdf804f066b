"""What the service answers."""

from collections.abc import Mapping
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
    """The proof that a record is in the book, a tlog-proof file.

    `id` is the record that was asked for: `check` finds whether it is the one that is proved.
    """

    id: str
    text: str

    def write(self, path: str | PathLike[str]) -> None:
        """Write the file."""
        Path(path).write_text(self.text, encoding="utf-8")

    def check(
        self, *keys: str, record: Mapping[str, Any] | None = None, receipt: str | None = None
    ) -> int:
        """Check the proof offline, trusting no server; return which leaf of the book the record is.

        Args:
            keys: the public keys that you were given, `NAME+ID+BASE64`; one must have signed.
            record: what `sealed_record` gives: then it must be the one that was sealed.
            receipt: the `leaf_hash` of the answer: then the leaf must be that one.

        Raises:
            WrongProofError: what does not hold.
            TypeError: if a key is no text.
            ImportError: if the extra is missing: `pip install 'daybook-client[verify]'`.
        """
        from daybook_client.checking import check_proof

        if not all(isinstance(key, str) for key in keys):
            raise TypeError("Each key is a text of its own: check(KEY, KEY, …).")
        return check_proof(self.id, self.text, keys, record, receipt)
