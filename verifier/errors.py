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


def printable(text: str) -> str:
    """Return a text that cannot steer a terminal: it may quote what somebody stored."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
