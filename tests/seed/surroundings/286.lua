--: instead of 291-291: WebSearch is a tool of a later release
    tools = { Calculator.new() }
--: after
agent:chat("What are two and two?")
--: prints A short answer.
--: prints Tool used:	calculator
