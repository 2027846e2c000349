"""What happens in a run: the event as a value, and the bus that delivers it to listeners."""
