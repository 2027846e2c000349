"""`llmspell lsp`: the language server, on standard streams unless a port is named. Editors start it, people rarely."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from llmspell.errors import LlmspellError, UsageError


def configure(parser: ArgumentParser) -> None:
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--stdio", action="store_true", help="speak on standard input and output (the default)")
    ways.add_argument(
        "--tcp",
        metavar="[HOST:]PORT",
        help="serve clients of this machine one after another until stopped; 0 for a free port, which stderr says",
    )
    parser.add_argument(
        "--log", metavar="FILE", help="append what happens to a file; without it, failures go to stderr"
    )


def run(args: Namespace) -> int:
    from llmspell_lsp import main  # the server, 40 ms

    if args.tcp is None:
        if sys.stdin.isatty():
            print("llmspell lsp speaks the language server protocol on stdin; an editor starts it", file=sys.stderr)
        return main.serve_stdio(args.log)
    host, port = _address(args.tcp)
    try:
        return main.serve_tcp(host, port, args.log)
    except OSError as error:
        raise LlmspellError(
            f"cannot listen on {args.tcp!r}: {error.strerror}", hint="name another port, or 0 for a free one"
        ) from None


def _address(given: str) -> tuple[str, int]:
    """`HOST:PORT`, or a port of this machine alone."""
    from ipaddress import ip_address  # 3 ms, not for standard streams

    host, _, port = given.rpartition(":")
    host = host.strip("[]")
    if not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"lsp: {given!r} is no address", hint="HOST:PORT, such as 127.0.0.1:9257")
    if host in ("", "localhost"):
        return "127.0.0.1", int(port)
    try:
        is_here = ip_address(host).is_loopback
    except ValueError:
        is_here = False
    if not is_here:
        # Whoever connects can read the project, and the protocol knows no password.
        hint = "a tunnel such as `ssh -L` takes it elsewhere"
        raise UsageError(f"lsp: clients are served on this machine only, not on {host!r}", hint=hint)
    return host, int(port)
