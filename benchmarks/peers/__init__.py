"""Other people's servers beside ours: each in its own environment, all with the same models and rows."""

from benchmarks.peers.running import target, targets

__all__ = ["target", "targets"]
