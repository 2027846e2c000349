--: instead of 1952-1952: StatisticsTool is a tool of a later release
local analysis_agent = AnalysisAgent.new({ tools = {Calculator.new()} })
--: after
research_system:on("research_completed", function(event) print("Completed: " .. event.final_report) end)
--: prints Starting research on: Impact of AI on software development
--: prints Revision needed, sending back to writer...
--: prints Completed: A short answer.
--: sends Shorter, please.
