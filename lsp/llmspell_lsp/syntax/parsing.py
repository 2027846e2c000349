"""A chunk's text to its tree: tree-sitter within a time budget, a repaired second try where the text is half typed.

One parser a thread and language (40 µs to make; parsers are not shared). The grammar gets a masked text of ASCII, so
that its byte offsets are code points, and no NUL, surrogate or odd space reaches it. Knows no grammar's nodes: `lua`
and `javascript_statements` do.
"""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING, Final

from llmspell_lsp.syntax.lookup import placed
from llmspell_lsp.syntax.lowering import Lowering, comment, problems
from llmspell_lsp.syntax.nodes import Block, Comment, Evaluate, Expression, Problem, Return, Span, Tree
from llmspell_lsp.syntax.repair import repair

if TYPE_CHECKING:
    import tree_sitter

    from llmspell_lsp.syntax.skeleton import ScriptLanguage

BUDGET: Final = 0.25
"""Seconds of CPU for one parse, so that a busy machine breaks no text: whole-file recovery from an error can take
seconds; a 1,000-line chunk takes 3 ms."""

_SMALL: Final = 8_000
"""Characters below which no budget is watched: even the worst recovery seen takes 20 ms."""

_SPACES: Final = re.compile("[\ufeff\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
_MASKED: Final = re.compile("[^\x01-\x7f]")
_COMMENTS: Final = {"lua": "--", "javascript": "/"}

_threads = threading.local()


def parse(language: ScriptLanguage, lines: tuple[str, ...], row: int = 0, depth: int = 0) -> Tree:
    """The tree of some lines. Never raises: where all else fails, the block is empty and one problem covers it all.

    row: that of the first line, in the chunk. depth: how many nodes the lines stand in.
    """
    text = "\n".join(lines)
    whole = Span(row, 0, row + len(lines) - 1, len(lines[-1])) if lines else Span(0, 0, 0, 0)
    try:
        found = _grammar(language).read(text)
        if found is None:
            return Tree(Block(whole, []), [Problem(whole, "")])
        root, comments = found
        told = [Comment(placed(each.span, row), each.text) for each in comments] if row else comments
        bad: list[Problem] = []
        if not root.has_error:
            lowerer = _lowerer(language)(text, {}, comments, row, depth)
            block = lowerer.block(root, whole)
            if lowerer.suspect is None:
                return Tree(block, [], told)
            bad = [Problem(lowerer.suspect, "")]
        bad = bad or problems(root, Lowering(text, {}, [], row))
        mended, shifts = repair(language, lines)
        if shifts:
            again = _grammar(language).read(mended)
            if again is not None and _errors(again[0]) < (_errors(root) or 1):
                root, text = again[0], mended
        lowerer = _lowerer(language)(text, shifts if text is mended else {}, comments, row, depth)
        return Tree(lowerer.block(root, whole), bad, told)
    except RecursionError:
        return Tree(Block(whole, []), [Problem(whole, "")])


def expression(language: ScriptLanguage, text: str, line: int, column: int) -> Expression | None:
    """An expression by itself, such as what stands before a dot; its places as if it began at a line and column."""
    before = "return " if language == "lua" else "("
    shown = before + text + ("" if language == "lua" else ")")
    try:
        found = _grammar(language).read(shown)
        if found is None:
            return None
        # A shift at the very beginning moves the whole first line.
        lowerer = _lowerer(language)(shown, {0: [(-1, len(before) - column)]}, [], line)
        for statement in lowerer.lower_all(found[0].children):
            if isinstance(statement, Return) and statement.values:
                return statement.values[0]
            if isinstance(statement, Evaluate):
                return statement.value
    except RecursionError:
        pass
    return None


def _lowerer(language: ScriptLanguage) -> type[Lowering]:
    # 2 ms each to import, and a process that serves only one language needs only one.
    if language == "lua":
        from llmspell_lsp.syntax.lua import LuaLowering as Lowerer
    else:
        from llmspell_lsp.syntax.javascript_statements import JavaScriptLowering as Lowerer
    return Lowerer


def _errors(root: tree_sitter.Node) -> int:
    """How much of a tree is amiss: characters in errors, and each missing token as ten."""
    amount = 0
    rest = [root] if root.has_error else []
    while rest:
        node = rest.pop()
        if node.is_missing:
            amount += 10
        elif node.is_error:
            amount += 10 + node.end_byte - node.start_byte
        elif node.has_error:
            rest += node.children
    return amount


class _Grammar:
    """A parser and its query for comments."""

    def __init__(self, language: ScriptLanguage) -> None:
        import tree_sitter  # 9 ms with a grammar; a server that only edits llmspell.toml never pays it

        if language == "lua":
            import tree_sitter_lua as grammar
        else:
            import tree_sitter_javascript as grammar
        known = tree_sitter.Language(grammar.language())
        self._parser = tree_sitter.Parser(known)
        self._comments = tree_sitter.QueryCursor(tree_sitter.Query(known, "(comment) @comment"))
        self._mark = _COMMENTS[language]

    def read(self, text: str) -> tuple[tree_sitter.Node, list[Comment]] | None:
        """The root and the comments; None if time ran out."""
        seen = text
        if not seen.isascii() or "\0" in seen:
            seen = _MASKED.sub("_", _SPACES.sub(" ", seen))
        source = seen.encode("ascii")
        if len(source) <= _SMALL:
            tree = self._parser.parse(source)
        else:
            until = time.thread_time() + BUDGET

            def rest(offset: int, point: object) -> bytes:
                return source[offset:]

            def late(offset: int, failing: bool) -> bool:
                return time.thread_time() > until

            try:
                tree = self._parser.parse(rest, progress_callback=late)
            except ValueError:
                # Out of time; without a reset the parser would go on with this text at the next one.
                self._parser.reset()
                return None
        root = tree.root_node
        comments: list[Comment] = []
        if self._mark in text:
            for node in self._comments.captures(root).get("comment", []):
                span = Span(*node.start_point, *node.end_point)
                comments.append(comment(span, text[node.start_byte : node.end_byte]))
            comments.sort(key=lambda one: one.span)
        return root, comments


def _grammar(language: ScriptLanguage) -> _Grammar:
    grammars: dict[str, _Grammar] | None = getattr(_threads, "grammars", None)
    if grammars is None:
        grammars = _threads.grammars = {}
    grammar = grammars.get(language)
    if grammar is None:
        grammar = grammars[language] = _Grammar(language)
    return grammar
