"""Members as each language calls them: parameters, results and signatures. Shared by stubs, pages and hover."""

from __future__ import annotations

import re
from typing import Any, Final

from llmspell.api.names import camel
from llmspell.api.stubs.types import LuaTypes, Types, TypeScriptTypes
from llmspell.frozen import frozen

Described = dict[str, Any]

LANGUAGES: Final = {"lua": "Lua", "javascript": "JavaScript"}

#: Words of either language that no parameter can be called.
_RESERVED: Final = frozenset(
    {
        *("and", "break", "case", "catch", "class", "const", "continue", "default", "delete", "do", "else", "elseif"),
        *("end", "enum", "export", "extends", "false", "finally", "for", "function", "goto", "if", "import", "in"),
        *("instanceof", "local", "new", "nil", "not", "null", "or", "repeat", "return", "super", "switch", "then"),
        *("this", "throw", "true", "try", "typeof", "until", "var", "void", "while", "with"),
    }
)


@frozen
class Param:
    """One parameter in one language's words."""

    name: str
    type: str
    required: bool
    variadic: bool
    doc: str
    schema: Described

    def __str__(self) -> str:
        if self.variadic:
            return f"...: {self.type}" if self.name == "..." else f"...{self.name}: {self.type}[]"
        return f"{self.name}{'' if self.required else '?'}: {self.type}"


def types_for(language: str) -> Types:
    return TypeScriptTypes() if language == "javascript" else LuaTypes()


def params(method: Described, types: Types) -> list[Param]:
    return [
        Param(
            _param_name(found, types),
            types.of(found["schema"]) if found["required"] else types.optional(found["schema"]),
            found["required"],
            found["variadic"],
            found["doc"],
            found["schema"],
        )
        for found in method["params"]
    ]


def _param_name(found: Described, types: Types) -> str:
    if found["variadic"] and types.language == "lua":
        return "..."
    name = types.name(found["name"])
    return f"{name}_" if name in _RESERVED else name


def result(method: Described, types: Types) -> str:
    """What a call gives, `Promise` or iterator included where the language has one."""
    inner = types.of(method["result"])
    if types.language == "javascript":
        if method["kind"] == "stream":
            return f"AsyncIterableIterator<{inner}>"
        inner = "void" if inner == "null" else inner
        return f"Promise<{inner}>" if method["waits"] else inner
    if method["kind"] == "stream":
        return f"fun(): {inner}?" if " " not in inner else f"fun(): {inner} | nil"
    return "" if inner == "nil" else inner


def signature(owner: Described, method: Described, language: str) -> str:
    """One line as a person writes the call: `agent:chat(message: string): string`."""
    types = types_for(language)
    inner = ", ".join(str(param) for param in params(method, types))
    given = result(method, types)
    return f"{called(owner, method, language)}({inner}){': ' + given if given else ''}"


def called(owner: Described, member: Described, language: str) -> str:
    """What stands before the bracket: `agent:chat`, `Agent.get`, `Hooks.register`."""
    name = camel(member["name"]) if language == "javascript" else member["name"]
    if owner["namespace"] or member["static"]:
        return f"{owner['name']}.{name}"
    mark = ":" if language == "lua" and "kind" in member else "."
    return f"{instance(owner['name'])}{mark}{name}"


def languages(owner: Described, member: Described) -> list[str]:
    """The languages that a member is called in."""
    return [language for language in member["languages"] if language in owner["languages"]]


def instance(class_name: str) -> str:
    """A variable's name for an object of the class: `ChatAgent` -> `agent`, `Agent` -> `agent`."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[a-z0-9]+", class_name)
    return words[-1].lower() if words else class_name.lower()


def constructors(described: Described, options: Described | None, types: Types) -> list[str]:
    """The parameter lists a constructor takes: an option table, and the positional form where there is one."""
    forms: list[str] = []
    if options is None:
        return [""]
    properties: dict[str, Described] = options.get("properties", {})
    required: list[str] = options.get("required", [])
    name = types.of(options)
    positional: list[str] = described["positional"]
    if len(positional) == 1 and types.language == "javascript":  # one form gives the better error message
        return [f"options{'' if required else '?'}: {name} | {types.optional(properties[positional[0]])}"]
    forms.append(f"options{'' if required else '?'}: {name}")
    if positional:
        found = [
            f"{types.name(key)}{'' if key in required or not index else '?'}: {types.optional(properties[key])}"
            for index, key in enumerate(positional)
        ]
        forms.append(", ".join(found))
    return forms


def example(member: Described, language: str) -> str:
    """The example in the language: examples are written in Lua, and shown in JavaScript where they are one call."""
    text: str = member.get("example", "")
    if language == "lua" or not text:
        return text
    call = re.fullmatch(r"(\w+)[.:](\w+)\(([^{}\n]*)\)", text)
    if call is None:
        return ""
    receiver, name, arguments = call.groups()
    if re.search(r"\bfunction\b|\.\.|~=|\bnil\b", arguments):
        return ""
    waits = "await " if member.get("waits") and member.get("kind") != "stream" else ""
    return f"{waits}{receiver}.{camel(name)}({arguments})"
