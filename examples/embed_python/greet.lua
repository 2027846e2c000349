-- What embed.py runs: greets `params.guest` and gives a table back to Python.
if type(params.guest) ~= "string" then error("guest must be a name, not " .. tostring(params.guest)) end

local letters = Tool.define {
  name = "letters",
  description = "Counts the letters of a name.",
  parameters = { type = "object", properties = { name = { type = "string" } }, required = { "name" } },
  execute = function(given) return { letters = utf8.len(given.name) } end,
}

local host = Agent.new { name = "host", system_prompt = "You greet guests in one sentence.", tools = { letters } }
local greeting = host:chat("Greet " .. params.guest .. ", who likes to know how many letters a name has.")
return { text = greeting, letters = letters:execute({ name = params.guest }).letters }
