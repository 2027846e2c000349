"""Patterns of commands: which words a grant such as `python3 ./scripts/*.py` covers.

    git              the program git with any arguments
    git status       exactly these two words
    git log *        a last lone `*` stands for any further words, options too
    node ./s/*.js    inside a word `*` and `?` stand for characters, never for `/`, and never begin an option
    *                every program

Knows no shell: a command is a list of words.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from functools import lru_cache


def command_matches(pattern: str, words: Sequence[str]) -> bool:
    """Whether `pattern` covers the command. A program is matched as it is written: `ls` is not `/tmp/ls`."""
    wanted = _pattern_words(pattern)
    if not wanted or not words or not words[0]:
        return False
    if wanted == ("*",):
        return True
    if len(wanted) == 1:
        return _word_matches(wanted[0], words[0])
    if wanted[-1] == "*":
        wanted = wanted[:-1]
        words = words[: len(wanted)]
    return len(wanted) == len(words) and all(map(_word_matches, wanted, words))


@lru_cache(maxsize=256)
def _pattern_words(pattern: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(pattern))
    except ValueError:  # an open quote: the pattern covers nothing
        return ()


def _word_matches(pattern: str, word: str) -> bool:
    if "*" not in pattern and "?" not in pattern:
        return pattern == word
    if word.startswith("-") and not pattern.startswith("-"):
        return False
    if any(part == ".." for part in word.split("/")):
        return False
    return _word_expression(pattern).fullmatch(word) is not None


@lru_cache(maxsize=256)
def _word_expression(pattern: str) -> re.Pattern[str]:
    """Runs of `*` are one, so that matching stays cheap."""
    parts = re.split(r"(\*+|\?)", pattern)
    written = ("[^/\0]*" if part[:1] == "*" else "[^/\0]" if part == "?" else re.escape(part) for part in parts)
    return re.compile("".join(written), re.DOTALL)
