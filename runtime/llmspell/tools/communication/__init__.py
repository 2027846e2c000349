"""Tools that send messages to people."""
