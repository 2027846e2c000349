"""The commands there are: name, module, one line of help. A command's module is imported when it is used.

A module has `configure(parser)` and `run(args) -> int`; both may read `args.command` (`parser.get_default("command")`)
where one module serves several commands. A module that has work to begin before arguments are parsed (`run` spawns its
zygote) does so in `prepare(arguments)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple


class Command(NamedTuple):
    module: str
    summary: str


COMMANDS: Final[Mapping[str, Command]] = MappingProxyType(
    {
        "run": Command("llmspell.cli.run", "run a spell"),
        "dev": Command("llmspell.cli.dev", "the terminal interface with a spell, which runs again at every save"),
        "tui": Command("llmspell.cli.tui", "the terminal interface over stored and live runs"),
        "validate": Command("llmspell.cli.validate", "find mistakes in spells, without running them"),
        "lsp": Command("llmspell.cli.lsp", "the language server, for editors"),
        "dap": Command("llmspell.cli.dap", "the debugger of spells, for editors"),
        "init": Command("llmspell.cli.init", "begin a project: settings, a first spell, editor stubs"),
        "trace": Command("llmspell.cli.trace", "stored and live runs: list, show, follow, export, compare"),
        "tools": Command("llmspell.cli.tools", "the built-in tools: list, show, call"),
        "agents": Command("llmspell.cli.agents", "the kinds of agent, their actions and prompts: list, show"),
        "models": Command("llmspell.cli.models", "models, context windows and prices, and which providers are ready"),
        "hooks": Command("llmspell.cli.hooks", "the points where a handler may change, veto or retry: list, show"),
        "events": Command("llmspell.cli.hooks", "what the runtime tells while a spell runs: list, show"),
        "help": Command("llmspell.cli.help", "the reference of one name of the API: Agent, agent:chat, beforeLLMCall"),
        "config": Command("llmspell.cli.config", "settings, and where each came from"),
        "doctor": Command("llmspell.cli.doctor", "what works on this machine, and what to do about the rest"),
        "host": Command("llmspell.cli.host", "run spells for another program, over its standard streams"),
        "completion": Command("llmspell.cli.completion", "shell completion for bash, zsh or fish"),
    }
)
