-- The service is busy at the first request; the spell's own pause and second request are what is to be seen.
Agent.new { name = "research_agent", system_prompt = "You look things up.", provider = "openai", retries = 0 }
--: after
print(result)
--: prints Rate limited, waiting and retrying...
--: prints A short answer.
