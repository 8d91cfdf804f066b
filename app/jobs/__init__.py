"""Background work, one function a file; `schedule.py` says what runs when."""
