--: instead of 2212-2220: EmbeddingTool and VectorSearchTool are tools of a later release
--: after
assert(research_assistant ~= nil and #result > 0)
--: prints Research completed:
--: prints A short answer.
