"""Registration's measurement: how may this version be scored without changing a bit of any answer?"""

import time
from collections.abc import Sequence
from typing import Any

from ml.edge_rows import edge_rows
from ml.plan import Call, Mode, Plan
from ml.runtime import ModelFailedError, Runtime
from ml.signature import Signature
from ml.validation import Row

#: Rows in one model call at most. Every size up to it is measured, so that none is assumed.
LARGEST_BLOCK = 64
PADDED_BLOCK = 16
_EXAMPLES, _EDGES, _SHIFTS = 64, 48, 3
_MOST_SECONDS = 60.0
_FAILED = "failed"


def choose_plan(estimator: Any, signature: Signature, examples: Sequence[Row]) -> Plan:
    """Return the fastest plan that changes no bit of any answer to examples and edge rows.

    First the call: the fastest that answers each row, alone, with the bits of the plain call. Then the
    mode: `stack` if batches of every size up to `LARGEST_BLOCK`, in several positions, give what the rows
    give alone; else `pad` if blocks padded to one shape give each row the same whatever else is in them;
    else `single`. A model too slow to be measured within a minute is called plainly, one row at a time.

    Args:
        estimator: fitted.
        signature: its own.
        examples: valid rows; some of them are taken, with generated rows at the edges.
    """
    try:
        return _Measurement(estimator, signature, examples).choose()
    except TimeoutError:
        return Plan()


class _Measurement:
    def __init__(self, estimator: Any, signature: Signature, examples: Sequence[Row]) -> None:
        self._estimator = estimator
        self._signature = signature
        validator = Runtime(estimator, signature).validator
        stride = max(1, len(examples) // _EXAMPLES)
        self._rows = [*examples[::stride][:_EXAMPLES], *edge_rows(signature, validator, _EDGES)]
        self._end = time.monotonic() + _MOST_SECONDS

    def choose(self) -> Plan:
        alone = self._alone(Plan())
        call = next(
            call for call in Call
            if call is Call.PLAIN or (self._can(call) and self._alone(Plan(call=call)) == alone)
        )  # fmt: skip
        stacked = Plan(mode=Mode.STACK, block=LARGEST_BLOCK, call=call)
        if self._agrees(stacked, alone):
            return stacked
        padded = Plan(mode=Mode.PAD, block=PADDED_BLOCK, call=call)
        if self._agrees(padded, self._alone(padded)):
            return padded
        return Plan(call=call)

    def _can(self, call: Call) -> bool:
        return call is not Call.KERNEL or self._runtime(Plan()).has_kernel

    def _alone(self, plan: Plan) -> list[str]:
        runtime = self._runtime(plan)
        return [self._bits(runtime, [row])[0] for row in self._rows]

    def _agrees(self, plan: Plan, alone: Sequence[str]) -> bool:
        """Whether rows in company, of every size and in several positions, answer as they do alone."""
        runtime = self._runtime(plan)
        # A row that fails alone fails its batch, which is then split: it has no place in one here.
        able = [(row, bits) for row, bits in zip(self._rows, alone, strict=True) if bits != _FAILED]
        for size in range(1, plan.block + 1):
            for shift in range(_SHIFTS):
                start = (size * 7 + shift * 31) % max(1, len(able))
                batch = [able[(start + place) % len(able)] for place in range(size)] if able else []
                found = self._bits(runtime, [row for row, _ in batch])
                if found != [bits for _, bits in batch]:
                    return False
        return True

    def _runtime(self, plan: Plan) -> Runtime:
        return Runtime(self._estimator, self._signature, plan)

    def _bits(self, runtime: Runtime, rows: Sequence[Row]) -> list[str]:
        """Return each answer as text that differs where a bit differs (Python writes doubles exactly)."""
        if time.monotonic() > self._end:
            raise TimeoutError
        try:
            return [repr(output) for output in runtime.score(rows)]
        except ModelFailedError:
            return [_FAILED] * len(rows)
