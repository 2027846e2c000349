"""What the last run of a spell was like, from the trace store, read aside and laid onto the text as it now is.

A thread watches the stores (`watch`), reads a run that has ended (`reading`) and hands it to the loop's thread, where
`board` keeps it. Nothing here is read while a request waits. Knows no protocol.
"""
