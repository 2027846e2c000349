--: after
assert(research_assistant ~= nil and #result > 0)
--: prints Research completed:
--: prints A short answer.
