"""The terminal interface: runs as they happen and as they were. A client: it folds events and sends requests."""
