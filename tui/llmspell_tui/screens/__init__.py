"""The screens. A screen is one module and one line in `table.PLACES`; nothing else has to know of it.

To add one, say `state`:

1. `state.py` with a class `StateView(View)` (`view.View`): `compose` yields lists. `self.desk` (`widgets.desk.Desk`)
   has the run shown (`desk.model`, None before there is one), its payloads (`desk.payloads`, blocking: ask in a thread,
   as `widgets.inspector` does), all runs (`desk.runs`), the span under the cursor (`desk.chosen`), the palette.
   - `renew()`: another run or another moment (`desk.model.moment`): draw anew. `advance()`: more events, at most 30
     times a second while the screen is shown; only the rows on screen may be read then.
   - `filter(text)`, `wrong(text)`: what `f` types. `copied()`: `y`. `site()`: `e`. `moment()`: the event of the row.
2. Its lists are subclasses of `widgets.rows.Rows`: `count()`, `line(row, width)` (pieces of (text, role), the roles of
   `theme`), `HEAD`/`heading`, `empty()`, and `BINDINGS = bindings("state")`, `PANEL = "state"`. `sync()` after the data
   changed. Texts of the run pass `widgets.lines.clean`. A page that folds is a `widgets.document.Document` with a
   `widgets.page.Page`; that needs no subclass.
3. Its keys are lines of `actions.ACTIONS` with the panel's name; `action_<name>` is a method of the list, of the view
   or of the window, found from the inside out. A key whose method nobody has is shown nowhere. A list's panel stands in
   `actions.LISTS`.
4. A line in `table.PLACES`: name, title, `module:class`. The action `screen_<name>` has the key.

What crosses screens (open a run, compare two, go to a span) is a message, handled in `app.window`. What belongs to the
whole window (time travel, control of the run) is a class of its own in `app/`, in the line of `Window`'s bases: a typed
line is had by `await self.ask(purpose, title, check=…)` and comes back in `answered(purpose, text)`; `self.renew()`
draws after the moment changed; `self.open_sheet(sheet)` raises a panel for one matter (`widgets.sheet`);
`self.notice(text)` says what was done.
"""
