"""Sealing: pending records become leaves of the tree, and signed checkpoints leave the house."""
