"""Tools that work on data given to them: JSON, CSV, regular expressions."""
