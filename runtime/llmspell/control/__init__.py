"""Control of a live run from outside: pause, step, breakpoints, approval of tool calls, answers, chat.

`socket` is the way in and says the protocol; `control` does it; `breakpoints` are what may stop a run. Whatever is done
is an input of the run and an event of it, so that a replay does it again with nobody there. Imported by the first who
controls a run: one that nobody controls never comes here.
"""
