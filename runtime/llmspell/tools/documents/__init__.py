"""Tools that read and write documents: Markdown, PDF, charts, text files and what differs between texts."""
