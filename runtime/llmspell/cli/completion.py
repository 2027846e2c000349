"""`llmspell completion bash|zsh|fish`: prints the script that a shell reads to complete llmspell's commands."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import Final

#: Where each shell looks; said on stderr, so that the script itself can be redirected.
_PLACES: Final = {
    "bash": 'eval "$(llmspell completion bash)"   in ~/.bashrc',
    "zsh": "llmspell completion zsh > FOLDER/_llmspell   where FOLDER is in $fpath",
    "fish": "llmspell completion fish > ~/.config/fish/completions/llmspell.fish",
}
_FILES: Final = {"FILE", "PATH"}
_FOLDERS: Final = {"DIR"}


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("shell", choices=tuple(_PLACES))


def run(args: Namespace) -> int:
    import shtab  # 15 ms, and needed here only

    from llmspell.cli.parser import whole_parser

    parser = whole_parser()
    for action in parser.actions():
        kinds = set(str(action.metavar).replace(",…", "").split("|"))
        if action.choices is None and kinds & (_FILES | _FOLDERS):
            action.complete = shtab.FILE if kinds & _FILES else shtab.DIRECTORY  # type: ignore[attr-defined]
    print(shtab.complete(parser, shell=args.shell))
    if sys.stdout.isatty():
        print(f"To install: {_PLACES[args.shell]}", file=sys.stderr)
    return 0
