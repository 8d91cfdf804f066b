"""The garbage collector, which looks through everything again and again, in processes that live long."""

import gc

#: Objects made before the youngest are looked through for cycles; Python's own default is a tenth.
_COLLECT_AFTER = 20_000


def spare_the_collector() -> None:
    """Take what stays for ever out of its sight: a tenth of a worker's time, half of a sealer's, went there."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 20, 50)
