"""The registry: what a spell can see, described once as plain values.

`describe` marks classes and functions where they are written, `gen` turns the marks into the files of `generated/`,
`registry` reads them at run time. Knows no engine and runs nothing.
"""
