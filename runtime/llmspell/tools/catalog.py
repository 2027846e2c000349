"""The built-in tools by name, class and alias, as text: which module holds what, without importing it."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from llmspell.frozen import frozen


@frozen
class Entry:
    """One tool. target: `module:Class`, imported at the first use."""

    name: str
    class_name: str
    alias: str
    target: str


#: In the order in which `llmspell tools list` shows them.
TOOLS: Final[tuple[Entry, ...]] = (
    Entry("file_system", "FileSystemTool", "FileSystem", "llmspell.tools.system.file_system:FileSystemTool"),
    Entry("shell_command", "ShellCommandTool", "ShellCommand", "llmspell.tools.system.shell_command:ShellCommandTool"),
    Entry("environment", "EnvironmentTool", "Environment", "llmspell.tools.system.environment:EnvironmentTool"),
    Entry("json", "JsonTool", "Json", "llmspell.tools.data.json_tool:JsonTool"),
    Entry("csv", "CsvTool", "Csv", "llmspell.tools.data.csv_tool:CsvTool"),
    Entry("regex", "RegexTool", "Regex", "llmspell.tools.data.regex_tool:RegexTool"),
    Entry("http_request", "HttpRequestTool", "HttpRequest", "llmspell.tools.web.http_request:HttpRequestTool"),
    Entry("calculator", "CalculatorTool", "Calculator", "llmspell.tools.math.calculator:CalculatorTool"),
    Entry("datetime", "DateTimeTool", "DateTime", "llmspell.tools.time.date_time:DateTimeTool"),
    Entry("hash", "HashTool", "Hash", "llmspell.tools.crypto.hash_tool:HashTool"),
)

#: Every spelling (name, class, alias) -> `module:Class`.
TARGETS: Final = MappingProxyType(
    {spelling: entry.target for entry in TOOLS for spelling in (entry.name, entry.class_name, entry.alias)}
)
