local used = {}
local agent = Agent.new { name = "adder", provider = "openai" }
local function handler(event) table.insert(used, event.tool_name) end
--: after
print(agent:chat("What are two and two?"))
assert(#used == 1 and used[1] == "calculator", "the handler heard of one tool")
--: prints It is
