"""Several spells in one window: which is shown is chosen by key, palette and mouse, and each is found as it was left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmspell_tui.host.wishes import apart
from llmspell_tui.widgets.choosing import ChoiceList, ChoiceSheet
from llmspell_tui.widgets.tree import SpanTree
from llmspell_tui.widgets.wrong import Wrong

if TYPE_CHECKING:
    from conftest import Project, Watched

SIZE = (120, 36)
AGENT = 'local a = Agent.new{{ name = "{0}" }} a:execute("one") a:execute("two") print("{0} is done")'


def label(app: Watched) -> str:
    return app.desk.model.label.rpartition("/")[2] if app.desk.model is not None else ""


def rows(app: Watched) -> int:
    return app.query_one(SpanTree).count()


async def test_one_of_several_is_shown_by_key_and_by_mouse(project: Project) -> None:
    files = [project.write(f"{name}.lua", AGENT.format(name)) for name in ("first", "second")]
    app = project.window(*files)
    async with app.run_test(size=SIZE) as pilot:
        await app.until(lambda: label(app) == "first.lua" and app.desk.model and app.desk.model.complete)
        await app.until(lambda: len(app.statuses) == 2)
        await pilot.pause()
        assert app.desk.several == "1/2" and app.offers("spell_next")
        full = rows(app)
        await pilot.press("home", "down", "space")  # folded, with the cursor on it
        folded = rows(app)
        assert folded < full

        await pilot.press("full_stop")
        await app.until(lambda: label(app) == "second.lua" and app.desk.model and app.desk.model.complete)
        await pilot.pause()
        assert (app.desk.several, rows(app)) == ("2/2", full)
        await pilot.press("full_stop")  # round again
        await app.until(lambda: label(app) == "first.lua" and app.desk.model and app.desk.model.complete)
        await pilot.pause()
        assert (app.desk.several, rows(app)) == ("1/2", folded)
        assert app.query_one(SpanTree).cursor == 1

        await pilot.press("comma")
        await app.until(lambda: label(app) == "second.lua" and app.desk.model and app.desk.model.complete)
        await pilot.press("ctrl+o")
        await app.until(lambda: isinstance(app.sheet, ChoiceSheet))
        await pilot.pause()
        chosen = app.query_one(ChoiceList)
        assert [chosen.text_of(row).split()[:3] for row in range(2)] == [
            ["first.lua", "✓", "ok"],
            ["second.lua", "✓", "ok"],
        ]
        assert chosen.cursor == 1
        await pilot.press("up", "enter")
        await app.until(lambda: label(app) == "first.lua" and app.sheet is None)

        await pilot.click("#status", offset=(116, 0))  # the sign 1/2 at its end
        await app.until(lambda: isinstance(app.sheet, ChoiceSheet))
        await pilot.pause()
        await pilot.click(ChoiceList, offset=(5, 1))
        await app.until(lambda: label(app) == "second.lua" and app.sheet is None)
        named = [command.title for command in app.get_system_commands(app.screen)]
        assert {"Spells", "Next spell", "Spell before"} <= set(named)

        # A text that is refused is told until that spell is well again, whatever the other one does.
        project.write("first.lua", "local = 1")
        await app.until(lambda: "first.lua:1:" in app.desk.trouble)
        wrong = app.query_one(Wrong)
        while wrong.size.height != 2:
            await pilot.pause()
        said, line = ("".join(segment.text for segment in wrong.render_line(y)).rstrip() for y in range(2))
        assert said.startswith(" ! first.lua:1: ") and said.endswith("; the run before is still shown")
        assert line == "    1  local = 1"
        second = app.session.run if app.session is not None else ""
        project.write("second.lua", AGENT.format("second again"))
        await app.until(lambda: app.session is not None and app.session.run != second)
        assert "first.lua:1:" in app.desk.trouble
        project.write("first.lua", AGENT.format("well"))
        await app.until(lambda: label(app) == "first.lua")
        assert app.desk.trouble == ""
        while wrong.display:
            await pilot.pause()


async def test_the_only_spell_is_come_back_to_and_none_is_told(project: Project) -> None:
    app = project.window(project.write("a.lua", 'print("there")'))
    async with app.run_test(size=SIZE) as pilot:
        await app.until(lambda: app.desk.model)
        assert await app.ended() == "ok"
        shown = app.path_shown
        await pilot.press("full_stop")
        assert app.desk.notice.startswith("one spell runs here") and not app.offers("spell_next")
        assert shown is not None
        elsewhere = shown.with_name("elsewhere.db")
        elsewhere.write_bytes(shown.read_bytes())
        await app.show_run(elsewhere)
        await pilot.press("comma")
        await app.until(lambda: app.path_shown == shown)


async def test_without_a_spell_it_is_said_how_to_have_some(project: Project) -> None:
    app = project.window()
    async with app.run_test(size=SIZE) as pilot:
        for key in ("full_stop", "comma", "ctrl+o"):
            await pilot.press(key)
            assert app.desk.notice.startswith("no spell runs on save here"), key


def test_names_are_as_short_as_tells_them_apart() -> None:
    assert apart(["/x/a.lua", "/x/b.lua"]) == ["a.lua", "b.lua"]
    assert apart(["/x/one/spell.lua", "/x/two/spell.lua", "/x/c.js"]) == ["one/spell.lua", "two/spell.lua", "c.js"]
    assert apart(["/x/a.lua", "/x/a.lua"]) == ["a.lua", "a.lua"]
