"""A filter on metadata as one condition of SQL, every name and value a parameter. Knows no table but its column.

{"lang": "en", "year": {"gte": 2020}, "tags": {"contains": "x"}, "or": [{"a": 1}, {"b": None}]}
"""

from __future__ import annotations

from typing import Any, Final

from llmspell.errors import SchemaError

_COMPARED: Final = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
OPERATORS: Final = ("eq", "ne", "gt", "gte", "lt", "lte", "in", "not_in", "contains", "exists")
_JOINED: Final = {"and": " AND ", "or": " OR "}
_MAX_DEPTH: Final = 8
_MAX_CONDITIONS: Final = 200
_LARGEST: Final = 2**63


class Condition:
    """sql: over the column `metadata`, true of the items that the filter wants. values: its parameters, in order."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.values: list[Any] = []
        self._count = 0
        self.sql = self._all(given, 0)

    def _all(self, given: Any, depth: int) -> str:
        if not isinstance(given, dict):
            raise SchemaError(f"a filter is a table of fields, not {given!r:.80}", hint='such as { lang = "en" }')
        if depth > _MAX_DEPTH:
            raise SchemaError(f"the filter is nested deeper than {_MAX_DEPTH}", hint="make it flatter")
        parts = [self._part(str(name), wanted, depth) for name, wanted in given.items()]
        return f"({' AND '.join(parts)})" if parts else "1"

    def _part(self, name: str, wanted: Any, depth: int) -> str:
        self._count += 1
        if self._count > _MAX_CONDITIONS:
            raise SchemaError(f"the filter has more than {_MAX_CONDITIONS} conditions", hint="use `in` for many values")
        if name in _JOINED:
            if not isinstance(wanted, list) or not wanted:
                raise SchemaError(f"`{name}` of a filter takes a list of filters", hint="give at least one")
            return f"({_JOINED[name].join(self._all(each, depth + 1) for each in wanted)})"
        if name == "not":
            return f"NOT coalesce({self._all(wanted, depth + 1)}, 0)"
        path = _path(name)
        if isinstance(wanted, list):
            return self._one(path, name, "in", wanted)
        if isinstance(wanted, dict):
            if not wanted:
                raise SchemaError(f"the filter says nothing of {name!r}", hint=f"one of {', '.join(OPERATORS)}")
            return f"({' AND '.join(self._one(path, name, str(key), value) for key, value in wanted.items())})"
        return self._one(path, name, "eq", wanted)

    def _one(self, path: str, name: str, operator: str, wanted: Any) -> str:
        field = "json_extract(metadata, ?)"
        match operator:
            case "eq" | "ne":
                self.values += [path, _scalar(name, wanted)]
                return f"{field} {'IS' if operator == 'eq' else 'IS NOT'} ?"
            case "in" | "not_in":
                if not isinstance(wanted, list):
                    raise SchemaError(f"`{operator}` of {name!r} takes a list", hint="give the values as a list")
                self.values += [path, *(_scalar(name, each) for each in wanted)]
                marks = ", ".join("?" * len(wanted))
                return f"coalesce({field} {'IN' if operator == 'in' else 'NOT IN'} ({marks}), {operator == 'not_in'})"
            case "gt" | "gte" | "lt" | "lte":
                value = _scalar(name, wanted)
                if value is None or isinstance(wanted, bool):
                    raise SchemaError(f"`{operator}` of {name!r} takes a number or a text", hint="use eq or exists")
                # SQLite would put every text behind every number
                kinds = "'text'" if isinstance(value, str) else "'integer', 'real'"
                self.values += [path, path, value]
                return f"(typeof({field}) IN ({kinds}) AND {field} {_COMPARED[operator]} ?)"
            case "contains":
                self.values += [path, _scalar(name, wanted)]
                return "EXISTS (SELECT 1 FROM json_each(metadata, ?) WHERE json_each.value IS ?)"
            case "exists":
                if not isinstance(wanted, bool):
                    raise SchemaError(f"`exists` of {name!r} takes true or false", hint="give one of them")
                self.values.append(path)
                return f"json_type(metadata, ?) IS {'NOT ' if wanted else ''}NULL"
            case _:
                raise SchemaError(
                    f"the filter on {name!r} has the unknown operator {operator!r}",
                    hint=f"it knows {', '.join(OPERATORS)}",
                )


def _path(name: str) -> str:
    """The field as SQLite's path; a dot goes into a table. Its quoted names know no escapes, so these are refused."""
    parts = name.split(".")
    if len(name) > 200 or not all(parts) or any(each in '"\\' or ord(each) < 32 for each in name):
        raise SchemaError(f"{name[:80]!r} cannot be a field of a filter", hint="letters, digits, `_` and dots")
    return "$" + "".join(f'."{part}"' for part in parts)


def _scalar(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | float | str):
        return value
    if isinstance(value, int) and -_LARGEST <= value < _LARGEST:
        return value
    raise SchemaError(f"the filter compares {name!r} with {value!r:.80}", hint="give a text, a number, true or false")
