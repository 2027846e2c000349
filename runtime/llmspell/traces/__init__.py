"""The event log of a run and everything read from it: store, live feed, audit, recording, spans, exports.

    log        EventLog: numbers and times events, hands them to sinks
    store      RunStore: a run's SQLite file, written by the one `Writer` thread of the host
    runs       Runs: the folder of stored runs, its index, retention
    reader     RunFile: a stored run, read only
    recording  Recording: a stored run as the source of answers for a replay
    live       LiveServer: a run's unix socket;  feed: Feed, read from the store or from that socket
    spans      spans folded from events;  tree: drawn as text;  otlp, chrome: exported;  compare: two runs

Importing this package imports nothing: sqlite3 and json cost 9 ms together and are first needed by the writer thread.
"""
