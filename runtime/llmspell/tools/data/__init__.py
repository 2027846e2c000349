"""Tools that work on data: JSON, XML, CSV, SQLite, regular expressions, and cleaning tables."""
