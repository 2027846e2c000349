"""What is known of a run, folded from its events: spans, states, hooks, points, and the pictures made of them.

    run        RunModel: one run;  spans: SpanTable, its rows under the present folds, filter and moment
    outline    the tree below SpanTable;  paths: folds and cursors by structural path
    query      Query, what is typed to search and to filter
    states     StateHistory;  hooks: HookHistory;  points: PointLog;  timeline: the moments to scrub by
    waterfall  bars;  flame: boxes;  lines: figures by source line
    messages   a conversation as of a moment;  metrics: calls, errors, tokens, cost;  diff: two runs side by side

Plain values and functions: no Textual, no file, no clock.
"""
