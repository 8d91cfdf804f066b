"""What the operator's machines ask: is it alive, is it ready, what does it count, which version."""
