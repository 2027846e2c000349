"""Stand-ins for stylua 2.5.2 and prettier 3.10.1, which are no Python packages and cannot be had without a network.

They speak the command lines of those two, compared by hand with the real ones: the options that they take and no other,
ranges in bytes or UTF-16 units, the list of files to leave alone, the words and the exit code of a syntax error. What
they format is the spaces at the ends of lines; `= =` is their syntax error.
"""

from __future__ import annotations

import sys
from pathlib import Path

_PROGRAM = f"""#!{sys.executable}
import argparse, os, sys

name = os.path.basename(sys.argv[0])
parser = argparse.ArgumentParser(allow_abbrev=False)
parser.add_argument("--stdin-filepath", required=True)
parser.add_argument("--range-start", type=int)
parser.add_argument("--range-end", type=int)
if name == "stylua":
    parser.add_argument("--search-parent-directories", action="store_true")
    parser.add_argument("--respect-ignores", action="store_true")
    parser.add_argument("stdin", choices=["-"])
given = parser.parse_args()
text = sys.stdin.buffer.read().decode("utf-8")
if "= =" in text:
    if name == "stylua":
        sys.stderr.write("error: could not format from stdin: failed to format from stdin: error parsing: \\n"
                         " - unexpected token `=` (1:9 to 1:10), expected an expression\\n - and more\\n")
    else:
        sys.stderr.write(f"[error] {{given.stdin_filepath}}: SyntaxError: Unexpected token (1:11)\\n"
                         "[error] > 1 | const x = = 1\\n")
    sys.exit(2)
folder = os.path.dirname(given.stdin_filepath) if name == "stylua" else os.getcwd()
while True:
    path = os.path.join(folder, "." + name + "ignore")
    if os.path.isfile(path) and (name == "prettier" or given.respect_ignores):
        relative = os.path.relpath(given.stdin_filepath, folder)
        if any(relative.startswith(line) for line in open(path).read().split()):
            sys.stdout.write(text)
            sys.exit()
    if name == "prettier" or folder == "/":
        break
    folder = os.path.dirname(folder)
encoding, unit = ("utf-8", 1) if name == "stylua" else ("utf-16-le", 2)
data = text.encode(encoding)
first = len(data[: (given.range_start or 0) * unit].decode(encoding))
last = len(text) if given.range_end is None else len(data[: given.range_end * unit].decode(encoding))
middle = "\\n".join(line.rstrip() for line in text[first:last].split("\\n"))
sys.stdout.write(text[:first] + middle + text[last:])
"""


def install(folder: Path, name: str) -> Path:
    """Puts stylua or prettier into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(_PROGRAM)
    path.chmod(0o755)
    return path
