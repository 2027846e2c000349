"""The files around a document: folders, settings, what other files export. Knows no protocol."""
