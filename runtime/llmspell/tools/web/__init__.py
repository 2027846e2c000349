"""Tools that reach other hosts."""
