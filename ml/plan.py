"""How a model version is scored: found out at registration, stored with the version, obeyed ever after.

The same row must get the same bits whoever else is asking. A matrix product of 20 rows may differ from
20 products of one row in the last bits, because BLAS takes another kernel; trees do not. So each version
has a mode, and the way it is called is changed only where the bits stay equal.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self


class Mode(StrEnum):
    """How rows may share a model call.

    `stack`: any number up to the block's, for the bits are those of single rows. `pad`: blocks filled up
    to one fixed shape, single rows too. `single`: one row a call.
    """

    STACK = "stack"
    PAD = "pad"
    SINGLE = "single"


class Call(StrEnum):
    """How the estimator is called, the fastest first.

    `kernel`: the arithmetic of an estimator that is known, without its wrapping. `unnamed`: an array
    without names, scikit-learn's checks off. `unchecked`: scikit-learn's checks off. `plain`: as anybody
    would call it.
    """

    KERNEL = "kernel"
    UNNAMED = "unnamed"
    UNCHECKED = "unchecked"
    PLAIN = "plain"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Mode, rows in one model call (at most, or exactly in mode `pad`), and call.

    The default is what is right for every model, and slow.
    """

    mode: Mode = Mode.SINGLE
    block: int = 1
    call: Call = Call.PLAIN

    def to_json(self) -> dict[str, Any]:
        """Return the plan as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, plan: dict[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls(mode=Mode(plan["mode"]), block=plan["block"], call=Call(plan["call"]))
