--: after
agent:chat("What are two and two?")
--: prints A short answer.
--: prints Tool used:	calculator
