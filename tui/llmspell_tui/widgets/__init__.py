"""Widgets, each drawn line by line from what the desk holds. They know no screen and no feed."""
