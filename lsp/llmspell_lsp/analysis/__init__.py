"""What a tree means: which name is which binding, what an expression holds, what a workflow's steps give."""
