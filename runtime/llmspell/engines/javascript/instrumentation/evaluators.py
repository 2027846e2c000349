"""What sees the names of a scope for the debugger, as JavaScript: an arrow function that stands in the scope.

Usually a direct `eval`, which sees everything as the statement itself does. For that the engine captures all names
around it, one by one, in each function: a thousand functions beside each other take seconds. A large text gets ones
that see by name instead: a switch over the names of their own function, which asks the function around it for the rest.
prelude/debugging_scopes.js evaluates a text with either. Knows no tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

WHOLE: Final = "($$)=>eval($$)"
#: Words that are names in some functions and not in those inside of them.
_WORDS: Final = frozenset({"await", "yield", "arguments"})


def by_name(
    names: Sequence[str], *, scopes: Sequence[int], private: Sequence[str], arguments: bool, outer: int | None
) -> str:
    """Called with a name, and to set it with a value and true. scopes: of the same function. private: the private names
    that may be read of `this`. outer: the scope that knows the rest; None for the outermost function."""
    cases = [f"case{_quoted(name)}:return $$w?{name}=$$v:{name};" for name in names if name not in _WORDS]
    for name in private:
        cases.append(
            f'case"this.{name}":return $$w?this.{name}=$$v:this.{name};case"{name} in this":return {name} in this;'
        )
    cases += [f'case"$$s{number}":return $$s{number};' for number in scopes]
    if arguments:
        cases.append('case"arguments":return arguments;')
    rest = 'case"$module":return $module;' if outer is None else f"default:return $$s{outer}($$,$$v,$$w);"
    return f'($$,$$v,$$w)=>{{switch($$){{case"$$l":return $$l;case"this":return this;{"".join(cases)}{rest}}}}}'


def _quoted(name: str) -> str:
    return f'"{name}"'
