"""Where a run's events come from, as updates that a model takes: its socket while it runs, its file else.

    source    RunSource: one run;  rows: stored spans in columns, straight from the file
    payload   Payloads: what the inspector asks of a span, from the file
    runs      RunList: the stored runs, live ones first, followed
    trouble   what an unreadable file means for a person

No Textual here, and nothing that waits for a screen.
"""
