"""Settings from files, `LLMSPELL_*` variables and flags: checked, each knowing where it came from."""

from llmspell.settings.load import FILE_NAME, find_project_file, load, user_file_path, variable_of
from llmspell.settings.values import (
    SECTIONS,
    About,
    Defaults,
    Env,
    Hooks,
    Limits,
    Permissions,
    ProviderSettings,
    Settings,
    Trace,
    about,
)

__all__ = [
    "FILE_NAME",
    "SECTIONS",
    "About",
    "Defaults",
    "Env",
    "Hooks",
    "Limits",
    "Permissions",
    "ProviderSettings",
    "Settings",
    "Trace",
    "about",
    "find_project_file",
    "load",
    "user_file_path",
    "variable_of",
]
