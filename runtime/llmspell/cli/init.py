"""`llmspell init [DIR]`: a new project with its settings, a first spell, scripted replies and what editors need.

Nothing that exists is written over: when one file is in the way, none is written. With `--stubs` a project that stands
is given what editors need, and keeps the files of these that it has.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Final

from llmspell.errors import UsageError

_SETTINGS: Final = """\
# Settings of this project. `llmspell config show` prints every one of them with its value and its origin.

[defaults]
# model = "openai/gpt-4o-mini"      # without one: the provider whose key is in the environment, else the offline model

[permissions]
# read = ["."]                      # what a spell may read; relative paths begin here
# write = ["output"]
# net = ["api.example.com"]         # hosts beside the model providers'
# exec = ["git status"]             # commands
# env = ["LANG"]                    # environment variables

[limits]
# cpu_seconds = 60
# memory_mb = 256
# max_calls = 100                   # requests sent to models

[config]
greeting = "Hello"                  # your own values: the global `config` of your spells
"""

_LUA: Final = """\
-- Run it:                llmspell run spell.lua
-- With a parameter:      llmspell run spell.lua --param name=Ada
-- With a real model:     OPENAI_API_KEY=… llmspell run spell.lua --model openai/gpt-4o-mini

local greeter = Agent.new {
  name = "greeter",
  system_prompt = "You greet people in one short, friendly sentence.",
}

local name = params.name or "world"
print(greeter:chat(config.greeting .. "! Please greet " .. name .. "."))
"""

_JAVASCRIPT: Final = """\
// Run it:                llmspell run spell.js
// With a parameter:      llmspell run spell.js --param name=Ada
// With a real model:     OPENAI_API_KEY=… llmspell run spell.js --model openai/gpt-4o-mini

const greeter = new Agent({
  name: "greeter",
  systemPrompt: "You greet people in one short, friendly sentence.",
});

const name = params.name ?? "world";
console.log(await greeter.chat(`${config.greeting}! Please greet ${name}.`));
"""

#: Answers of the built-in offline model, so that the first run needs neither key nor network.
_REPLIES: Final = """\
{
  "replies": [
    { "match": "greet Ada", "text": "Hello Ada, how good to see you!" },
    { "match": "greet", "text": "Hello, and welcome to llmspell!" }
  ]
}
"""

_LUARC: Final = """\
{
  "runtime.version": "Lua 5.4",
  "workspace.library": [".llmspell/stubs"],
  "workspace.checkThirdParty": false
}
"""

_JSCONFIG: Final = """\
{
  "compilerOptions": {
    "target": "es2023",
    "lib": ["es2023"],
    "module": "esnext",
    "moduleDetection": "force",
    "checkJs": true,
    "types": []
  },
  "include": ["**/*.js", ".llmspell/stubs/*.d.ts"]
}
"""


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", default=".", metavar="DIR", help="the project's folder (the current one)")
    parser.add_argument("--language", choices=("lua", "js"), default="lua", help="of the first spell (lua)")
    parser.add_argument(
        "--stubs", action="store_true", help="in a project that stands: only what editors read, in its newest form"
    )


def run(args: Namespace) -> int:
    folder = Path(args.folder)
    if args.stubs:
        return _add_stubs(folder)
    files = _files(args.language)
    _refuse_to_overwrite(folder, files)
    _write(folder, files)
    spell = _spell(args.language)
    print(f"A new project in {folder.resolve()}:")
    print("".join(f"  {name}\n" for name in files if not _is_ours(name)), end="")
    where = "" if folder.resolve() == Path.cwd() else f"{folder}/"
    print(f"Run it: llmspell run {where}{spell}")
    return 0


def _add_stubs(folder: Path) -> int:
    if not folder.is_dir():
        raise UsageError(f"there is no folder {str(folder)!r}", hint="`--stubs` is for a project that stands")
    files = _for_editors()
    kept = [name for name in files if not _is_ours(name) and (folder / name).exists()]
    _write(folder, {name: text for name, text in files.items() if name not in kept})
    print(f"In {folder.resolve()}:")
    print("".join(f"  {name}\n" for name in files if name not in kept and not name.endswith(".gitignore")), end="")
    for name in kept:
        if ".llmspell/stubs" not in (folder / name).read_text(encoding="utf-8", errors="replace"):
            print(f"  {name} was there and is as it was: let it name .llmspell/stubs")
    return 0


def _write(folder: Path, files: dict[str, str]) -> None:
    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w" if _is_ours(name) else "x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be written: {error.strerror}") from None


def _files(language: str) -> dict[str, str]:
    return {
        "llmspell.toml": _SETTINGS,
        _spell(language): _LUA if language == "lua" else _JAVASCRIPT,
        "replies.json": _REPLIES,
        **_for_editors(),
    }


def _for_editors() -> dict[str, str]:
    """For servers of plain Lua and JavaScript: descriptions of the API, and the files by which they find them."""
    return {
        ".luarc.json": _LUARC,
        "jsconfig.json": _JSCONFIG,
        ".llmspell/.gitignore": "*\n",
        **{f".llmspell/stubs/{path.name}": path.read_text(encoding="utf-8") for path in _stubs()},
    }


def _spell(language: str) -> str:
    return f"spell.{language}"


def _stubs() -> list[Path]:
    """The descriptions of the API that editors read, as they were generated for this version."""
    generated = Path(__file__).parent.parent / "api" / "generated"
    return sorted((*generated.glob("*.lua"), *generated.glob("*.d.ts")))


def _is_ours(name: str) -> bool:
    """What lies in `.llmspell/` is made by llmspell and may be made anew."""
    return name.startswith(".llmspell/")


def _refuse_to_overwrite(folder: Path, files: dict[str, str]) -> None:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{str(folder)!r} is a file", hint="name a folder for the project")
    standing = [name for name in files if not _is_ours(name) and (folder / name).exists()]
    if standing:
        raise UsageError(
            f"{str(folder)!r} already holds {', '.join(standing)}; nothing was written",
            hint="choose an empty folder, or move these files away first",
        )
