"""What it costs: `make bench` measures the service, `make bench-peers` others beside it."""
