"""`python -m llmspell`, the same as `llmspell`."""

from llmspell.cli.main import entry

entry()
