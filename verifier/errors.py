"""What a check can find."""

from dataclasses import dataclass


class Rejected(ValueError):  # noqa: N818 (it reads as what it is: "Rejected: the root differs")
    """What was given does not prove what it should; the message says why."""


@dataclass(frozen=True)
class Finding:
    """Something is wrong with the book.

    Args:
        where: what it is about: a leaf, a record, a checkpoint, a tile.
        what: what is wrong with it.
    """

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"
