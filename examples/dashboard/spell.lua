-- What a run counts: the spell's own numbers beside those of the runtime, and the whole at a glance.
local weather = Tool.define {
  name = "weather",
  description = "Tells the sky over a city.",
  parameters = { type = "object", properties = { city = { type = "string" } }, required = { "city" } },
  execute = function(given)
    metrics:increment("forecasts", { city = given.city })
    return { sky = "clear" }
  end,
}

local forecaster = Agent.new { name = "forecaster", system_prompt = "You tell the weather.", tools = { weather } }
local poet = Agent.new { name = "poet", system_prompt = "You write one line of verse." }

-- A timer measures from here to its `stop`; a histogram takes any number.
local timer = metrics:timer("evening")
for _, answer in ipairs { forecaster:chat("How is the weather in Oslo?"), poet:chat("A line about the sky.") } do
  print(answer)
  metrics:histogram("answer_length", #answer)
end
timer:stop()

-- Messages with fields: events of the run, and from `[log] level` on also lines on stderr.
logger:debug("evening over", { answers = 2 })

local dashboard = metrics:dashboard()
for _, agent in ipairs(dashboard.agents) do
  print(string.format("%-10s  %s, model calls: %d, tool calls: %d", agent.name, agent.status, agent.llm_calls, agent.tool_calls))
end
local counters, lengths = dashboard.metrics.counters, dashboard.metrics.histograms.answer_length
print("forecasts: " .. counters.forecasts .. ", tool runs: " .. counters.llmspell_tool_calls)
print(string.format("answers: %d, the longest has %d letters", lengths.count, lengths.max))

-- The same for Prometheus; `llmspell trace export RUN --format prometheus` gives it for any run.
print((metrics:export("prometheus"):match("forecasts_total{[^\n]*")))
