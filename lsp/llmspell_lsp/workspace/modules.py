"""What a file that is required or imported gives: found by the runtime's own rule, read from the editor's text where it
is open and from the disk otherwise, its exports' types worked out one by one when they are asked for.

The runtime looks beside the file that asks and in the spell's folder; which spell will load a module cannot be told, so
the folders above it are tried up to the project's, and a name that two of them have is not followed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from llmspell.api.modules import candidates
from llmspell_lsp.analysis.bindings import bindings
from llmspell_lsp.analysis.infer import Inference
from llmspell_lsp.analysis.sites import Site
from llmspell_lsp.analysis.types import UNKNOWN, Field, Module, choice
from llmspell_lsp.documents.uris import normal, path_of, uri_of
from llmspell_lsp.syntax import nodes as n
from llmspell_lsp.workspace.files import PATIENCE, language_of

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Modules as Protocol
    from llmspell_lsp.analysis.scope import Binding
    from llmspell_lsp.documents.document import Document
    from llmspell_lsp.syntax.chunks import Placed
    from llmspell_lsp.syntax.skeleton import ScriptLanguage
    from llmspell_lsp.workspace.files import Files
    from llmspell_lsp.workspace.roots import Roots

DEEPEST: Final = 6
"""Files that a type may be followed through: each may take a good part of Python's stack."""

LONGEST_NAME: Final = 1000
"""Characters of a module's name: a longer one is none."""


class _Target(NamedTuple):
    """A module as it was found. stamp: another one means another text."""

    path: str
    stamp: object


class Loaded:
    """The modules of all projects. One thread's."""

    def __init__(self, documents: Mapping[str, Document], files: Files, roots: Roots) -> None:
        """documents: those that are open, by normal URI."""
        self._documents = documents
        self._files = files
        self._roots = roots
        self._used: dict[str, dict[str, _Target | None]] = {}
        """What the types of a document were worked out with: the modules it names, by its normal URI."""
        self._modules: dict[str, tuple[object, Module]] = {}
        self._asked: list[tuple[str, str]] = []
        self._paths: dict[tuple[str, str], tuple[float, str | None]] = {}
        """Which file a document calls what, and when that was looked up."""

    def files_changed(self) -> None:
        """Files have come or gone, on the disk or in the editor."""
        self._paths.clear()

    def module(self, uri: str, name: str, owner: Protocol) -> Module | None:
        """What a file gives that the document `uri` calls `name`. owner: what its own imports are asked of."""
        target = self._find(uri, name)
        self._used.setdefault(normal(uri), {})[name] = target
        if target is None:
            return None
        document = self.document(target.path)
        if document is None or document.language not in ("lua", "javascript"):
            return None
        known = self._modules.get(target.path)
        infer = Inference.of(document, owner)
        if known is not None and known[0] is infer:
            return known[1]
        module = Module(document.uri, Exports(infer, self._asked))
        self._modules[target.path] = (infer, module)
        return module

    def is_fresh(self, uri: str, within: tuple[str, ...] = ()) -> bool:
        """Whether the modules that a document's types were worked out with are as they were."""
        key = normal(uri)
        used = self._used.get(key)
        if not used or key in within:
            return True
        for name, target in used.items():
            if self._find(uri, name) != target or (
                target is not None and not self.is_fresh(self._uri(target.path), (*within, key))
            ):
                if not within:
                    # Of those behind it, each is asked in its turn.
                    del self._used[key]
                return False
        return True

    def state(self, uri: str, within: tuple[str, ...] = ()) -> tuple[object, ...]:
        """What the modules are now that a document was told of, and those that they were told of."""
        key = normal(uri)
        if key in within:
            return ()
        targets = [(name, self._find(uri, name)) for name in sorted(self._used.get(key, ()))]
        return tuple(
            (name, target, () if target is None else self.state(self._uri(target.path), (*within, key)))
            for name, target in targets
        )

    def path(self, uri: str, name: str) -> str | None:
        """The file that a document calls `name`."""
        found = self._find(uri, name)
        return None if found is None else found.path

    def document(self, path: str) -> Document | None:
        """A script of the project: as it is typed where it is open, else as it is on the disk."""
        return self._open(path) or self._files.document(path)

    def around(self, uri: str) -> list[Path]:
        """The folders that a document's modules may lie in: its own, and those above it in its project."""
        path = path_of(uri)
        if path is None:
            return []
        here, root = Path(path).parent, self._roots.of(path)
        return [here, *(above for above in here.parents if above.is_relative_to(root) and here.is_relative_to(root))]

    def _find(self, uri: str, name: str) -> _Target | None:
        now = time.monotonic()
        known = self._paths.get((uri, name))
        if known is None or now - known[0] >= PATIENCE:
            known = self._paths[uri, name] = (now, self._look_up(uri, name))
        return None if known[1] is None else self._target(known[1])

    def _look_up(self, uri: str, name: str) -> str | None:
        path, language = path_of(uri), self._language(uri)
        if path is None or language is None or not name or len(name) > LONGEST_NAME:
            return None
        root = self._roots.of(path)
        here, *above = self.around(uri)
        found = self._first(candidates(language, name, here, here, root))
        if found is not None or language == "javascript":
            return found
        different = {self._first(candidates(language, name, here, base, root)) for base in above} - {None}
        return different.pop() if len(different) == 1 else None

    def _first(self, paths: list[Path]) -> str | None:
        return next((str(path) for path in paths if self._target(str(path)) is not None), None)

    def _target(self, path: str) -> _Target | None:
        opened = self._open(path)
        if opened is not None:
            return _Target(path, (id(opened), opened.revision))
        stamp = self._files.stamp(path)
        return None if stamp is None else _Target(path, stamp)

    def _open(self, path: str) -> Document | None:
        return self._documents.get(uri_of(path))

    def _uri(self, path: str) -> str:
        opened = self._open(path)
        if opened is not None:
            return opened.uri
        return uri_of(path)

    def _language(self, uri: str) -> ScriptLanguage | None:
        opened = self._documents.get(normal(uri))
        language = opened.language if opened is not None else language_of(path_of(uri) or "")
        return language if language in ("lua", "javascript") else None


class Exports(Mapping[str, Field]):
    """Exports by name, each worked out when it is asked for. One that needs itself is UNKNOWN."""

    def __init__(self, infer: Inference, asked: list[tuple[str, str]]) -> None:
        """asked: what is being worked out, of all files."""
        self._infer = infer
        self._asked = asked
        self._known: dict[str, Field] = {}
        self._names: Mapping[str, Callable[[], Field]] | None = None

    def _makers(self) -> Mapping[str, Callable[[], Field]]:
        """What gives each export. Files that pass on all of each other's are asked once."""
        if self._names is None:
            key = (self._infer.analysis.uri, "*")
            if key in self._asked:
                return {}
            self._asked.append(key)
            try:
                lua = self._infer.language == "lua"
                self._names = _of_lua(self._infer) if lua else _of_javascript(self._infer)
            finally:
                self._asked.pop()
        return self._names

    def __getitem__(self, name: str) -> Field:
        known = self._known.get(name)
        if known is not None:
            return known
        make = self._makers()[name]
        key = (self._infer.analysis.uri, name)
        if key in self._asked or len(self._asked) >= DEEPEST:
            return Field(name, UNKNOWN)
        self._asked.append(key)
        try:
            made = self._known[name] = make()
        finally:
            self._asked.pop()
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers())

    def __len__(self) -> int:
        return len(self._makers())


def _of_lua(infer: Inference) -> Mapping[str, Callable[[], Field]]:
    """What the file returns, under ""."""
    returned = [(placed, each.values[0]) for placed, each in infer.analysis.module_returns() if each.values]
    if not returned:
        return {}

    def make() -> Field:
        type_ = choice([infer.type_of(placed, value) for placed, value in returned])
        placed, value = returned[-1]
        binding = infer.analysis.resolve(placed, value) if isinstance(value, n.Name) else None
        site = _declared(infer, binding) if binding is not None else Site(infer.analysis.uri, placed, value)
        return Field("", type_, site)

    return {"": make}


def _of_javascript(infer: Inference) -> Mapping[str, Callable[[], Field]]:
    analysis = infer.analysis
    found: dict[str, Callable[[], Field]] = {}
    for name, (placed, binding, value) in analysis.exports().items():
        found[name] = partial(_exported, infer, name, placed, binding, value)
    # `export { a as b } from "./c.js"`, whose names are none of this file's; `export *` names nothing.
    for placed in analysis.placed:
        for export in bindings(placed.chunk).exports:
            if export.module is not None and export.module.value:
                for local, exported in export.names:
                    found[exported] = partial(_passed_on, infer, placed, export.module.value, local, exported)
                if not export.names and infer.modules is not None:
                    module = infer.modules.module(analysis.uri, export.module.value)
                    for name in module.exports if module is not None else ():
                        if name != "default":
                            found.setdefault(name, partial(_from, module, name))
    return found


def _exported(
    infer: Inference, name: str, placed: Placed, binding: Binding | None, value: n.Expression | None
) -> Field:
    if binding is not None:
        declaration = binding.declaration
        doc = declaration.doc if isinstance(declaration, n.Declare) else ""
        return Field(name, infer.of_binding(binding), _declared(infer, binding), doc)
    if value is not None:
        return Field(name, infer.type_of(placed, value), Site(infer.analysis.uri, placed, value))
    return Field(name, UNKNOWN)


def _passed_on(infer: Inference, placed: Placed, module: str, local: n.Name, name: str) -> Field:
    found = infer.modules.module(infer.analysis.uri, module) if infer.modules is not None else None
    field = found.exports.get(local.text) if found is not None else None
    return field or Field(name, UNKNOWN, Site(infer.analysis.uri, placed, local))


def _from(module: Module | None, name: str) -> Field:
    return module.exports[name] if module is not None else Field(name, UNKNOWN)


def _declared(infer: Inference, binding: Binding) -> Site:
    return Site(infer.analysis.uri, binding.placed, binding.local.node or binding.declaration)
