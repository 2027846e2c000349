"""The scripts of a design document are found by line and composed with their surroundings, line for line."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent

DOCUMENT = """\
# A page

```lua
local a = 1
print(a)
```

````text
```javascript
not a script
```
````

  ```javascript
const b = 2;
```
```rust
fn main() {}
```
```lua
never closed
"""


@pytest.fixture(scope="module")
def seed() -> ModuleType:
    """The runner, which finds its neighbours as the file that `make seed` starts does."""
    sys.path.insert(0, str(HERE))
    try:
        specification = importlib.util.spec_from_file_location("seed_run", HERE / "run.py")
        assert specification is not None and specification.loader is not None
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(HERE))


def test_scripts_are_found_by_the_line_of_their_fence(seed: ModuleType) -> None:
    found = seed.scripts(DOCUMENT)
    assert {line: script.language for line, script in found.items()} == {3: "lua", 14: "js"}
    assert found[3].lines == ("local a = 1", "print(a)")


def test_every_line_of_the_document_keeps_its_number(seed: ModuleType) -> None:
    script = seed.scripts(DOCUMENT)[3]
    around = seed.parse(
        "x = 1\n--: flags --allow-write logs\n--: instead of 5-5: no printing\nlog(a)\n--: after\nassert(a)\n--: prints 1\n--: sends 2\n"
    )
    assert seed.compose(script, around).splitlines() == ["x = 1", "", "", "local a = 1", "log(a)", "assert(a)"]
    assert (around.prints, around.sends, around.cuts[0].reason) == (["1"], ["2"], "no printing")
    assert around.flags == ["--allow-write", "logs"]


@pytest.mark.parametrize(
    "text",
    [
        "1\n2\n3\n4\n",
        "--: instead of 5-5: reason\none\ntwo\n",
        "--: instead of 6-6: reason\n",
        "--: instead of 3-4: reason\n",
    ],
)
def test_surroundings_that_do_not_fit_are_refused(seed: ModuleType, text: str) -> None:
    with pytest.raises(ValueError, match=r"fit|outside"):
        seed.compose(seed.scripts(DOCUMENT)[3], seed.parse(text))


def test_a_misspelled_directive_is_refused(seed: ModuleType) -> None:
    with pytest.raises(ValueError, match="not a directive"):
        seed.parse("--: aftr\n")


def test_all_surroundings_can_be_read_and_name_the_25_scripts(seed: ModuleType) -> None:
    files = {int(path.stem): path for path in seed.SURROUNDINGS.iterdir()}
    assert len(files) == 25
    for line, path in files.items():
        around = seed.parse(path.read_text(encoding="utf-8"))
        assert around.waits_for or around.after or around.prints, line


def test_a_document_without_the_scripts_is_a_clear_error(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text(DOCUMENT)
    done = subprocess.run(
        [sys.executable, str(HERE / "run.py"), str(document)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "there is no lua script at line 49" in done.stderr
