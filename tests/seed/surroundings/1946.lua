--: after
research_system:on("research_completed", function(event) print("Completed: " .. event.final_report) end)
--: prints Starting research on: Impact of AI on software development
--: prints Revision needed, sending back to writer...
--: prints Completed: A short answer.
--: sends Shorter, please.
