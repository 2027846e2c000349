"""Tools that hash and check."""
