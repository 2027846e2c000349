--: instead of 291-291: WebSearch is a tool of a later release
    tools = { Calculator.new() }
--: instead of 305-308: workflows are a later release
--: after
agent:chat("What are two and two?")
--: prints A short answer.
--: prints Tool used:	calculator
