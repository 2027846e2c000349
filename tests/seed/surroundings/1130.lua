local researcher = Agent.new { name = "researcher", provider = "openai" }
local writer = Agent.new { name = "writer", provider = "openai" }
local editor = Agent.new { name = "editor", provider = "openai" }
--: after
print(blog)
--: prints A short answer.
--: sends AI Safety
