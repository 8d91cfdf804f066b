"""For everyone who reviews: the history and its records."""
