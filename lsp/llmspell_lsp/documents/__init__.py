"""Open texts as lines, edited in place. Knows no grammar, no protocol and no files."""
