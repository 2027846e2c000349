"""Texts as trees: chunks of a file, parsed one at a time, lowered to the nodes that both languages share."""
