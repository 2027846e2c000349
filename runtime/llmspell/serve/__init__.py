"""Ways in for other programs, on this machine only: a run's events as a stream."""
