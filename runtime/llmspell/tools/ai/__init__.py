"""Tools of the category AI: models of other kinds, vectors, and code that runs in a sandbox."""
