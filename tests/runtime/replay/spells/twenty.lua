-- Twenty agents at once, with everything that a run gets from outside: models, tools, hooks, streams, timers, chance,
-- the clock, the environment, the project's cache.
local weather = Tool.define{
  name = "weather",
  description = "The weather of a city",
  parameters = { type = "object", properties = { city = { type = "string" } }, required = { "city" } },
  execute = function(given)
    Async.sleep(math.random(1, 8))
    return { city = given.city, at = os.time(), ticks = os.clock() >= 0 }
  end,
}

Hooks.register("before_llm_call", function(context)
  context.prompt = context.prompt .. " [" .. uuid.generate() .. "]"
end)
Hooks.register("after_tool_call", function(context)
  Async.sleep(math.random(0, 3))
  context.seen_at = os.time()
end, { tool = "weather" })

local heard = {}
eventBus.on("tool:*", function(event) heard[#heard + 1] = event.tool_name end)

Cache.set("report:topic", { name = "tea", size = params.size })

local function work(number)
  return function()
    local agent = Agent.new{ name = "agent" .. number, tools = { Calculator.new(), weather } }
    local sum = agent:chat("What is " .. number .. "% of 2500?")
    Async.sleep(math.random(1, 20))
    local told = agent:chat("Ask the weather tool")
    local pieces = {}
    for piece in agent:stream_chat("Tell of " .. tostring(os.getenv("TOPIC")) .. " " .. number) do
      pieces[#pieces + 1] = piece
    end
    local winner = Async.race{
      function() return agent:execute{ query = "first " .. number }.content end,
      function() Async.sleep(math.random(1, 30)) return "the clock" end,
    }
    local ok, problem = pcall(function() return agent:execute{ query = "hang " .. number, timeout = 10 + number } end)
    local slow = Async.timeout(60000, function() return agent:chat("busy " .. number) end)
    return {
      sum = sum, told = told, pieces = #pieces, winner = winner, ok = ok, problem = problem.type, slow = slow,
      topic = Cache.get_cached_report("topic").name, chance = math.random(),
    }
  end
end

local all = {}
for number = 1, 20 do all[number] = work(number) end
local results = Async.all(all)
print(#heard, os.date("!%Y"), JSON.stringify(results[20]))
return results
