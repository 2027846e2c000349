"""`llmspell config show|path|check`: what the settings are, where each came from, whether they are right."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

from llmspell.settings import FILE_NAME, Settings, load, user_file_path


def configure(parser: ArgumentParser) -> None:
    parser.add_argument(
        "what", choices=("show", "path", "check"), help="show every value, the files, or only check them"
    )
    parser.add_argument(
        "path", nargs="?", default=".", metavar="PATH", help="a spell or folder; else the current folder"
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def run(args: Namespace) -> int:
    settings = load(Path(args.path), os.environ)
    match args.what:
        case "show":
            _show(settings, as_json=args.json)
        case "path":
            _paths(settings, as_json=args.json)
        case _:
            _checked(settings, as_json=args.json)
    return 0


def _show(settings: Settings, *, as_json: bool) -> None:
    if as_json:
        _print_json({name: {"value": value, "from": settings.origin(name)} for name, value in settings.items()})
        return
    section = ""
    for name, value in settings.items():
        head, _, key = name.partition(".")
        if head == "providers":
            provider, _, key = key.rpartition(".")
            head = f"providers.{provider}"
        if head != section:
            print(f"\n[{head}]" if section else f"[{head}]")
            section = head
        print(f"{f'{key} = {_written(value)}':<40} # {settings.origin(name)}")


def _paths(settings: Settings, *, as_json: bool) -> None:
    user = user_file_path(os.environ)
    project = settings.project / FILE_NAME
    rows = {"project": project, "user": user, "data": settings.data_dir}
    if as_json:
        _print_json({name: {"path": str(path), "exists": path.exists()} for name, path in rows.items()})
        return
    for name, path in rows.items():
        print(f"{name:<8} {path}{'' if path.exists() else '  (none yet)'}")


def _written(value: object) -> str:
    """A value as TOML writes it."""
    match value:
        case None:
            return "(none)"
        case bool():
            return str(value).lower()
        case tuple() | list():
            return "[" + ", ".join(_written(part) for part in value) + "]"
        case str():
            import json

            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)


def _checked(settings: Settings, *, as_json: bool) -> None:
    """Says that all is right: what is wrong has been raised while the settings were read."""
    files = [str(path) for path in settings.files]
    if as_json:
        _print_json({"ok": True, "files": files})
    else:
        print("settings are right: " + (", ".join(files) or "no file, only defaults"))


def _print_json(value: object) -> None:
    import json

    print(json.dumps(value, indent=2, ensure_ascii=False))
