"""What vector_search asks of its process: one operation on one index, the file and what was read of it kept open."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from math import isfinite
from pathlib import Path
from typing import Any, Final

from llmspell.errors import ToolError
from llmspell.tools.ai.vector_filter import Condition
from llmspell.tools.ai.vector_index import VectorIndex
from llmspell.tools.ai.vector_store import Collection, Item, Store

#: Indexes whose vectors stay in memory.
_OPEN: Final = 4

_stores: OrderedDict[tuple[int, int], tuple[Store, dict[int, VectorIndex]]] = OrderedDict()


def answer(file: list[Any], operation: str, given: dict[str, Any], how: dict[str, Any]) -> dict[str, Any]:
    """The tool's content. file: true path, device, inode. given: what the call says. how: `max_index_size`,
    `exact_up_to`, `key`, `saves`. Raises ToolError and SchemaError."""
    path, device, inode = file
    found = _stores.pop((device, inode), None)
    if found is None:
        found = (Store(path, device, inode, how["max_index_size"]), {})
    _stores[device, inode] = found
    while len(_stores) > _OPEN:
        _stores.popitem(last=False)[1][0].close()
    return _Work(*found, how).do(operation, given)


class _Work:
    def __init__(self, store: Store, indexes: dict[int, VectorIndex], how: dict[str, Any]) -> None:
        self.store = store
        self.indexes = indexes
        self.how = how

    def do(self, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        match operation:
            case "create":
                return self._create(**given)
            case "add" | "upsert":
                return self._put(replace=operation == "upsert", **given)
            case "search":
                return self._search(**given)
            case "get":
                return self._get(**given)
            case "list":
                return self._list(**given)
            case "delete":
                return self._delete(**given)
            case "drop":
                with self.store.writing():
                    owner = self.store.needed(given["collection"])
                    self.indexes.pop(owner.number, None)
                    return {"deleted": self.store.drop(owner)}
            case _:
                return self._stats()

    def _create(self, collection: str, dimensions: int, metric: str) -> dict[str, Any]:
        with self.store.writing():
            owner = self.store.collection(collection)
            if owner is None:
                self.store.create(collection, dimensions, metric, "")
                return {"created": True}
            _fits(owner, dimensions)
            if owner.metric != metric:
                raise ToolError(f"{collection!r} exists with the metric {owner.metric}", hint="drop it, or use another")
            return {"created": False}

    def _put(
        self, collection: str, items: list[list[Any]], dimensions: int, metric: str, source: str, *, replace: bool
    ) -> dict[str, Any]:
        rows = [Item(*item) for item in items]
        for row in rows:
            _check(row.vector, dimensions, row.id)
        with self.store.writing():
            owner = self.store.collection(collection) or self.store.create(collection, dimensions, metric, source)
            _fits(owner, dimensions)
            _same(owner, source)
            ids, known = self.store.put(owner, rows, source, replace=replace)
            total = self.store.count(owner)
        if owner.number in self.indexes or total > self.how["exact_up_to"]:
            self._index(collection)
        return {"ids": ids, "added": len(ids) - known, "updated": known, "total": total}

    def _search(
        self,
        collection: str,
        vector: bytes,
        source: str,
        count: int,
        threshold: float | None,
        filter: dict[str, Any] | None,
        exact: bool,
        with_vectors: bool,
    ) -> dict[str, Any]:
        condition = Condition(filter) if filter else None
        if self.store.collection(collection) is None and collection == "default":
            return {"matches": [], "approximate": False}
        index = self._index(collection)
        with self.store.reading():
            owner = self.store.needed(collection)
            _fits(owner, len(vector) // 4)
            _same(owner, source)
            _check(vector, owner.dimensions, "the query")
            index.refresh(self.store, owner)
            among = self.store.matching(owner, condition) if condition is not None else None
            found = index.search(self.store, vector, count, among, exact)
            if threshold is not None:
                found = [each for each in found if each[1] >= threshold]
            scores = dict(found)
            matches = self._shown(owner, [number for number, _ in found], with_vectors, scores)
        return {"matches": matches, "approximate": index.approximate and not exact and among is None}

    def _get(self, collection: str, ids: list[str], with_vectors: bool) -> dict[str, Any]:
        with self.store.reading():
            owner = self.store.needed(collection)
            items = self._shown(owner, self.store.numbers(owner, ids), with_vectors)
        there = {item["id"] for item in items}
        return {"items": items, "missing": [each for each in dict.fromkeys(ids) if each not in there]}

    def _list(
        self, collection: str, filter: dict[str, Any] | None, limit: int, offset: int, with_vectors: bool
    ) -> dict[str, Any]:
        condition = Condition(filter) if filter else None
        with self.store.reading():
            owner = self.store.collection(collection)
            if owner is None and collection == "default":
                return {"items": [], "total": 0}
            owner = owner or self.store.needed(collection)
            numbers = self.store.matching(owner, condition, limit, offset)
            return {"items": self._shown(owner, numbers, with_vectors), "total": self.store.count(owner, condition)}

    def _delete(self, collection: str, ids: list[str] | None, filter: dict[str, Any] | None) -> dict[str, Any]:
        condition = Condition(filter) if filter else None
        with self.store.writing():
            owner = self.store.needed(collection)
            numbers = self.store.numbers(owner, ids) if ids is not None else self.store.matching(owner, condition)
            return {"deleted": self.store.delete(owner, numbers), "total": self.store.count(owner)}

    def _stats(self) -> dict[str, Any]:
        with self.store.reading():
            rows = [
                {
                    "name": each.name,
                    "count": self.store.count(each),
                    "dimensions": each.dimensions,
                    "metric": each.metric,
                    "model": each.source.partition(" ")[2],
                    "method": each.source.partition(" ")[0],
                }
                for each in self.store.collections()
            ]
            return {"collections": rows, "size": self.store.size()}

    def _index(self, collection: str) -> VectorIndex:
        """The collection's index, as it is now."""
        with self.store.reading():
            owner = self.store.needed(collection)
            index = self.indexes.get(owner.number)
            if index is None:
                folder = Path(self.store.path).parent
                index = VectorIndex(owner, folder, self.how["key"], self.how["exact_up_to"])
                self.indexes[owner.number] = index
            index.exact_up_to = self.how["exact_up_to"]
            index.refresh(self.store, owner)
        index.tend(saves=self.how["saves"])
        return index

    def _shown(
        self, owner: Collection, numbers: list[int], with_vectors: bool, scores: dict[int, float] | None = None
    ) -> list[dict[str, Any]]:
        vectors = dict(self.store.some_vectors(owner, numbers)) if with_vectors else {}
        shown: list[dict[str, Any]] = []
        for item in self.store.items(numbers):
            number = item.pop("number")
            more: dict[str, Any] = {"score": round(scores[number], 6)} if scores is not None else {}
            if with_vectors:
                more["vector"] = array("f", vectors[number]).tolist()
            shown.append(item | more)
        return shown


def _check(vector: bytes, dimensions: int, whose: str) -> None:
    if len(vector) != 4 * dimensions:
        raise ToolError(
            f"the vectors are of different lengths: {len(vector) // 4} and {dimensions} numbers",
            hint="all vectors of a collection are of one length",
        )
    if not all(map(isfinite, array("f", vector))):
        raise ToolError(f"the vector of {whose or 'an item'!r} holds a number too large", hint="32-bit floats fit")


def _fits(owner: Collection, dimensions: int) -> None:
    if owner.dimensions != dimensions:
        raise ToolError(
            f"the collection {owner.name!r} holds vectors of {owner.dimensions} numbers, these have {dimensions}",
            hint="use the model it was made with, another collection, or drop it and build it anew",
        )


def _same(owner: Collection, source: str) -> None:
    """Vectors that a person gives (`given`) are taken at their word; those of two models are never compared."""
    if source.startswith("given") or owner.source in ("", source):
        return
    theirs = (
        "vectors of your own" if owner.source.startswith("given") else f"vectors of {owner.source.partition(' ')[2]}"
    )
    raise ToolError(
        f"the collection {owner.name!r} holds {theirs}; {source.partition(' ')[2]} cannot be compared with them",
        hint="give `vector` in the place of text"
        if owner.source.startswith("given")
        else "use that model, or another collection",
    )
