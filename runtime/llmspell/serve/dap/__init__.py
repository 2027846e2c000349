"""`llmspell dap`: a debug adapter that runs the spell itself, over standard streams.

```
 client ⇄ messages             bytes → messages
          adapter              requests in their order, the run's life · capabilities: what it can do
          launching · options  what is to be run · as `llmspell run` has it
          running              the run, and what happens in it · console: the person who is asked there
          breaks               breakpoints of lines, of what happens, of errors
          sources              files and their lines
          stops                where it stands: frames, scopes, values
          failing              whether an error is caught outside of the function it leaves
          spans · around       the run as its events tell it · agents, state, messages, the run, as values to open
```

The script's own side is `engines.debugging`; what stops before a tool, hook, agent or error is `control`.
"""
