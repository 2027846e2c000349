--: after
print(result)
assert(#orchestrator.tools == 2)
--: prints A short answer.
--: sends First research the best frameworks,
--: sends Expert in code generation and review
