"""`llmspell doctor`: what works on this machine and what does not. Looks, and changes nothing; never shows a key."""

from __future__ import annotations

import os
import platform
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Final, Literal

from llmspell.cli.terminal import Style, paint
from llmspell.errors import SettingsError
from llmspell.frozen import frozen
from llmspell.settings import Settings, load

Status = Literal["ok", "note", "bad"]

#: The variables in which providers' keys are usually kept, by the provider's name.
_KEYS: Final = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "gemini": "GEMINI_API_KEY",
    "mistral": "MISTRAL_API_KEY",
    "groq": "GROQ_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
}
_STYLES: Final[dict[Status, Style]] = {"ok": "green", "note": "yellow", "bad": "red"}


@frozen
class Finding:
    """One line of the report. `bad`: spells cannot run, or not safely; `note`: something is missing, perhaps meant."""

    name: str
    status: Status
    detail: str
    hint: str = ""


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs")


def run(args: Namespace) -> int:
    findings = list(examine())
    if args.json:
        import json

        print(json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False))
    else:
        for finding in findings:
            status = paint(f"{finding.status:<5}", _STYLES[finding.status], sys.stdout)
            print(f"{status} {finding.name:<12} {finding.detail}")
            if finding.hint:
                print(f"{'':<18} {finding.hint}")
    return 1 if any(finding.status == "bad" for finding in findings) else 0


def examine() -> Iterator[Finding]:
    yield _version("llmspell", "llmspell")
    yield Finding("python", "ok", platform.python_version())
    yield _platform()
    yield _version("lua", "lupa")
    yield _version("javascript", "quickjs-ng")
    yield _sandbox()
    yield _rlimits()
    try:
        settings = load(Path.cwd(), os.environ)
    except SettingsError as error:
        yield Finding("settings", "bad", f"{error.source}: {error.message}".removeprefix(": "), error.hint)
        return
    files = ", ".join(map(str, settings.files))
    yield Finding("settings", "ok", files or "no file, only defaults")
    yield from _providers(settings)
    yield _data(settings)


def _version(name: str, distribution: str) -> Finding:
    try:
        version = metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return Finding(name, "bad", f"the package {distribution} is missing", "install llmspell anew")
    engine = _engine(name)
    return Finding(name, "ok", f"{engine} ({distribution} {version})" if engine else version)


def _engine(name: str) -> str:
    """Starts the engine and asks it: a library that is there but does not load shows here."""
    match name:
        case "lua":
            from lupa import lua54

            return lua54.LuaRuntime(unpack_returned_tuples=False).lua_implementation
        case "javascript":
            import quickjs

            modern = quickjs.Context().eval("typeof Array.prototype.toSorted") == "function"
            return "QuickJS with ES2023" if modern else "QuickJS of an old edition"
        case _:
            return ""


def _platform() -> Finding:
    return Finding("platform", "ok", f"{platform.system()} {platform.release()} on {platform.machine()}")


def _sandbox() -> Finding:
    from llmspell.engines.sandbox import support

    found = support()
    if not found.missing:
        return Finding("sandbox", "ok", "every spell has a process of its own and a filter for its system calls")
    consequence = "spells run with less isolation" if found.worker else "spells run in process, without limits"
    return Finding("sandbox", "bad", f"missing: {'; '.join(found.missing)}", f"without it {consequence}")


def _rlimits() -> Finding:
    import resource

    needed = {"address space": resource.RLIMIT_AS, "CPU": resource.RLIMIT_CPU, "processes": resource.RLIMIT_NPROC}
    _, most = resource.getrlimit(needed["address space"])
    tight = most != resource.RLIM_INFINITY and most < 512 * 2**20
    if tight:
        return Finding("limits", "note", f"address space is limited to {most // 2**20} MB", "raise it: ulimit -v")
    return Finding("limits", "ok", f"limits on {', '.join(needed)} can be set")


def _providers(settings: Settings) -> Iterator[Finding]:
    found = {name: variable for name, variable in _KEYS.items() if os.environ.get(variable)}
    for name, provider in settings.providers.items():
        variable = provider.api_key_env
        if variable and not os.environ.get(variable):
            where = f"[providers.{name}]"
            yield Finding(
                name, "note", f"{where} takes its key from {variable}, which is not set", f"export {variable}=…"
            )
        else:
            found[name] = variable or provider.base_url or "no key needed"
    model = settings.defaults.model
    detail = ", ".join(f"{name} ({variable})" for name, variable in found.items())
    if model:
        detail = f"default model {model}" + (f"; {detail}" if detail else "")
    if detail:
        yield Finding("providers", "ok", detail)
    else:
        yield Finding(
            "providers", "note", "no key found: agents use the built-in offline model", "export OPENAI_API_KEY=…"
        )


def _data(settings: Settings) -> Finding:
    """The data folder, or the nearest one above it that exists, must take files."""
    folder = settings.data_dir
    standing = next(part for part in (folder, *folder.parents) if part.exists())
    if standing.is_dir() and os.access(standing, os.W_OK | os.X_OK):
        return Finding("data", "ok", str(folder) if standing == folder else f"{folder} (made by the first run)")
    return Finding(
        "data", "bad", f"{folder} cannot be written", "set [data] dir or LLMSPELL_DATA_DIR to a folder that can"
    )
