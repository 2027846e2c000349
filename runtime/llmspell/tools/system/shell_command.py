"""The command tool: what it is asked and what it gives. `command_line` reads it, `running` runs it; no shell does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

from llmspell.api.bounds import Bounds, FilePath
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool

Word = Annotated[str, Bounds(max_length=100_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellCommandOptions:
    allowed_commands: Annotated[list[str], Bounds(max_items=500)] | None = None
    """Commands that this tool may run, within what the run may: `git` with any arguments, `git status` just so,
    `python3 ./scripts/*.py`, `git log *`. None: all that the run may."""

    timeout: Annotated[float, Bounds(ge=1, le=3_600_000)] = 60_000
    """Milliseconds until a command and all that it started are ended."""

    working_directory: FilePath | None = None
    """The folder that commands run in. None: the project."""

    shell: bool = False
    """Whether the command is a line for `sh -c`; the run must then be allowed `sh`."""

    max_output_size: Annotated[int, Bounds(ge=1, le=50_000_000)] = 1_000_000
    """Bytes kept of stdout, and of stderr."""

    env: Annotated[dict[str, Word], Bounds(max_properties=100)] | None = None
    """Variables given to every command, beside PATH, HOME, LANG and those that the run may read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellCommandParams:
    command: Annotated[str, Bounds(min_length=1, max_length=100_000)]
    """The command line, for example `git log --oneline -5`; with `args` only the program. Quotes work; pipes,
    redirections, variables and wildcards do not."""

    args: Annotated[list[Word], Bounds(max_items=1000)] | None = None
    """The arguments one by one, taken as they are: safer than quoting."""

    stdin: Annotated[str, Bounds(max_length=10_000_000)] | None = None
    """Text given to the command's standard input."""

    working_directory: FilePath | None = None
    """The folder to run in; the run must be allowed to read it."""

    timeout: Annotated[float, Bounds(ge=1, le=3_600_000)] | None = None
    """Milliseconds for this command; the tool's own limit stays."""


class ShellCommandResult(TypedDict):
    stdout: str
    """What it printed."""
    stderr: str
    """What it printed as errors."""
    exit_code: int
    """0 for success; 128 plus the signal's number where a signal ended it."""
    truncated: bool
    """Whether it printed more than is kept."""


@exposed(
    aliases=("ShellCommand",),
    options=ShellCommandOptions,
    tool=ToolMark(
        name="shell_command",
        category="system",
        params=ShellCommandParams,
        result=ShellCommandResult,
        examples=(
            Example({"command": "git status --short"}, note="a command line"),
            Example({"command": "grep", "args": ["-n", "a|b", "notes.txt"]}, note="arguments one by one"),
        ),
        permissions=("exec", "read"),
        timeout=3_660_000,
        max_output=100_000_000,
    ),
)
class ShellCommandTool(BuiltinTool[ShellCommandOptions]):
    """Runs one program that the person allowed and gives what it printed and its exit code.

    No shell reads the command: there are no pipes, redirections, variables or wildcards. When it ends, is cancelled or
    takes too long, everything that it started ends too.
    """

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        from llmspell.tools.system import command_line, running

        asked = ShellCommandParams(**params)
        permissions = context.permissions
        if self.options.allowed_commands is not None:
            permissions = permissions.narrow("shell_command", exec=self.options.allowed_commands)
        words = command_line.words_of(asked.command, asked.args, self.options.shell)
        permissions.check_command(words)
        command = running.Command(
            owner=context.scratch,
            words=words,
            folder=asked.working_directory or self.options.working_directory or ".",
            env=running.environment(context, self.options.env),
            stdin=asked.stdin,
            milliseconds=min(asked.timeout or self.options.timeout, self.options.timeout),
            keep=self.options.max_output_size,
        )
        ended = await running.run(command, permissions)
        content = {
            "stdout": ended.stdout,
            "stderr": ended.stderr,
            "exit_code": ended.exit_code,
            "truncated": ended.truncated,
        }
        return ToolOutput(content, {"command": words, "duration": ended.duration})
