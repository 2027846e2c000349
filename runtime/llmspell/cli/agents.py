"""`llmspell agents list|show`: the kinds of agent, their options, their actions, and the prompts that these are.

`llmspell agents show ReviewAgent review > prompts/review/review.md` begins a prompt of one's own.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from llmspell.api.lookup import Entry, lineage
from llmspell.api.names import snake
from llmspell.api.registry import Registry, registry
from llmspell.cli.page import show_json, show_page, show_rows
from llmspell.errors import UsageError


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("what", choices=("list", "show"), help="every kind of agent, or one of them")
    parser.add_argument("name", nargs="?", metavar="NAME", help="ReviewAgent, review, data-analyst")
    parser.add_argument("prompt", nargs="?", metavar="PROMPT", help="show: one prompt's file, as it is: review, system")
    parser.add_argument("--json", action="store_true", help="for programs")


def run(args: Namespace) -> int:
    known = registry()
    names = [name for name in known.classes if any(each["name"] == "BaseAgent" for each in lineage(known, name))]
    if args.what == "list":
        _show_list(known, names, as_json=args.json)
        return 0
    if args.name is None:
        raise UsageError("say which kind of agent", hint="`llmspell agents list` lists them")
    name = _resolved(known, names, args.name)
    prompts = {key: _prompt(name, key) for key in _prompt_names(name)}
    if args.prompt is not None:
        _show_prompt(name, snake(args.prompt), prompts)
    elif args.json:
        show_json({**known.classes[name], "actions": _actions(name), "prompts": prompts})
    else:
        _show_one(known, name, prompts)
    return 0


def _show_list(known: Registry, names: list[str], *, as_json: bool) -> None:
    if as_json:
        show_json({name: {"doc": known.classes[name]["doc"], "actions": _actions(name)} for name in names})
        return
    from llmspell.api.stubs.markdown import summary

    rows = [(name, ", ".join(_actions(name)) or summary(known.classes[name]["doc"])) for name in names]
    show_rows([("agent", "actions, or what it is"), *rows])


def _show_one(known: Registry, name: str, prompts: dict[str, dict[str, str]]) -> None:
    from llmspell.api.hover import describe

    show_page(describe(known, Entry("class", name, known.classes[name])))
    for key, found in prompts.items():
        print()
        show_page(f"## {found['path']}")
        method = known.method(name, key)
        if method is not None:
            print(f"   {method.described['doc']}")
        print()
        for line in found["text"].strip().split("\n"):
            print(f"   {line}".rstrip())


def _show_prompt(name: str, key: str, prompts: dict[str, dict[str, str]]) -> None:
    if key not in prompts:
        listed = ", ".join(prompts) or "it has none"
        raise UsageError(f"{name} has no prompt {key!r}", hint=f"its prompts: {listed}")
    sys.stdout.write(prompts[key]["text"])


def _resolved(known: Registry, names: list[str], asked: str) -> str:
    """A class by its name or its prompts' folder, in any spelling. Raises UsageError."""
    spelled: dict[str, str] = {}
    for name in names:
        for each in (snake(name), snake(name).removesuffix("_agent"), *map(snake, known.classes[name]["aliases"])):
            spelled.setdefault(each, name)
    if (found := spelled.get(snake(asked))) is not None:
        return found
    near = get_close_matches(snake(asked), spelled, n=1)
    hint = f"did you mean {spelled[near[0]]!r}?" if near else "`llmspell agents list` lists them"
    raise UsageError(f"there is no kind of agent {asked!r}", hint=hint)


def _class(name: str) -> type[Any]:
    from llmspell import library  # the agents' modules, 60 ms, for this command alone

    return library.load(name)


def _actions(name: str) -> list[str]:
    from llmspell.agents.templates.template import actions

    return sorted(actions(_class(name)))


def _prompt_names(name: str) -> Iterator[str]:
    """The system prompt first, then an action each; last those that only llmspell itself uses."""
    from llmspell.agents.templates.prompt_files import PACKAGED
    from llmspell.agents.templates.template import actions, lineage

    own = [key for key, asks in sorted(actions(_class(name)).items()) if asks]
    folders = lineage(_class(name))
    files = {path.stem for folder in folders for path in (PACKAGED / folder).glob("*.md")}
    yield from (key for key in ("system", *own) if key in files)
    yield from sorted(files - {"system", *own})


def _prompt(name: str, key: str) -> dict[str, str]:
    from llmspell.agents.templates.prompt_files import look, own_folder
    from llmspell.agents.templates.template import lineage
    from llmspell.settings import load

    settings = load(Path.cwd(), os.environ)
    return look(own_folder(settings.agents.prompts, settings.project), lineage(_class(name)), key)
