"""What turned out to be true of predictions, and how well models did."""
