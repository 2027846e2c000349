"""Everything that knows the language-server protocol; nothing below it does.

    stream ──► inbox ──► loop ──► dispatch ──► requests/<family> ──► features, checks
    (a thread)  (order,   (main     (life,        (params → snapshot →
                 merges)   thread)   errors)       feature → JSON)

`greeting` answers while pygls is imported aside; `server` is the pygls server that then takes the stream over. What a
key costs is read by hand and sent as plain JSON, or as bytes that were JSON before; lsprotocol sees the rest.

To add a feature:

1. `features/<name>.py`: `(snapshot, line, column, …) -> plain values`, positions in code points.
2. `protocol/requests/<family>.py`: a handler `(session, params) -> JSON`, which begins with
   `snapshot, line, column = session.place(params)` (or `session.snapshot(reading.document_uri(params))`, or
   `session.span(params)`) and turns spans back with `session.range(snapshot, span)`.
3. In the same module `METHODS = (Method("textDocument/hover", hover),)`. `options` is what the capability says beyond
   `true` (a test compares it with lsprotocol's type); `newest=True` for what is asked at every key; `wanted` for what
   depends on the client (`session.client.has("textDocument.hover.…")`).
4. The family's name in `requests.FAMILIES`.

A handler imports its feature inside itself, so that `initialize` is answered before any is loaded (a test holds it);
the family's `FEATURES = ("hover",)` has it imported aside as soon as the first diagnostics are out.

A handler may return `Encoded` bytes, or a `Later` that it answers from the loop's thread (`session.inbox.post` leads
there from any other). What it raises costs one request: `Refused` and its kin are answered as they say, `Silent` is
null, all else is an internal error and a line in the log. A long one asks `session.inbox.is_cancelled(id)`, or works in
slices by `session.inbox.post`. A diagnostic family is a function in `checks.FAMILIES`.
"""
