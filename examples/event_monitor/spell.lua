-- Everything that happens is an event. This spell watches two agents at work and keeps a table of what they did.
local seen = {}

local function row(name)
  seen[name] = seen[name] or { asked = 0, tools = 0, tokens = 0, status = "idle" }
  return seen[name]
end

-- `*` hears everything, as (event_type, data). Names may be patterns too: `tool:*`.
eventBus.on("*", function(event_type, data)
  if event_type == "execution_started" then
    row(data.agent_name).status = "working"
  elseif event_type == "execution_completed" then
    row(data.agent_name).status = data.status
  elseif event_type == "llm_call_completed" then
    local agent = row(data.agent_name)
    agent.asked = agent.asked + 1
    agent.tokens = agent.tokens + data.usage.total
  elseif event_type == "tool_completed" then
    row(data.agent_name).tools = row(data.agent_name).tools + 1
  end
end)

-- Events of your own travel the same way, and are in the run's trace like any other.
eventBus.on("weather_known", function(event)
  print("heard: " .. event.city .. " is " .. event.sky)
end)

local weather = Tool.define {
  name = "weather",
  description = "Tells the sky over a city.",
  parameters = { type = "object", properties = { city = { type = "string" } }, required = { "city" } },
  execute = function(given)
    local sky = given.city == "Oslo" and "clear" or "cloudy"
    eventBus.emit("weather_known", { city = given.city, sky = sky })
    return { sky = sky }
  end,
}

local forecaster = Agent.new { name = "forecaster", system_prompt = "You tell the weather.", tools = { weather } }
local poet = Agent.new { name = "poet", system_prompt = "You write one line of verse." }

-- Both at once: what they do comes in whatever order it happens.
local forecast, verse = table.unpack(Async.all {
  function() return forecaster:chat("How is the weather in Oslo?") end,
  function() return poet:chat("A line about the sky.") end,
})

print(forecast)
print(verse)
for name, agent in pairs(seen) do
  print(string.format("%-10s  %s, model calls: %d, tool calls: %d", name, agent.status, agent.asked, agent.tools))
end
assert(seen.poet.tokens == poet.usage.total, "the events tell what the agent counted itself")
