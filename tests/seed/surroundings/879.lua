Agent.new { name = "research_agent", system_prompt = "You look things up.", provider = "openai" }
--: after
print(result)
--: prints A short answer.
