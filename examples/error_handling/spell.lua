-- What goes wrong has a type, and each type its own remedy: an old answer, a pause, or somebody else.

-- Found by their names from anywhere in the spell. `retries` is how often llmspell itself repeats a request that may
-- succeed later (429, 5xx, network), waiting as long as the service asks for; here the spell wants to decide.
Agent.new { name = "researcher", system_prompt = "You look things up. Answer in one sentence.", retries = 0 }
Agent.new { name = "understudy", system_prompt = "You answer from memory, in one sentence.", retries = 0 }

local patience = params.timeout or 1000 -- milliseconds

local function research(topic)
  local ok, result = pcall(function()
    return Agent.execute("researcher", { query = "What is new about " .. topic .. "?", timeout = patience })
  end)
  if ok then
    Cache.set("research:" .. topic, result.content, { ttl = 3600000 })
    return result.content, "fresh"
  end

  local problem = ErrorHandler.parse_error(result)
  if problem.type == "timeout" then
    -- `get_cached_<kind>(key)` reads the key `<kind>:<key>`.
    local old = Cache.get_cached_research(topic)
    if old then return old, "from the cache, the researcher is too slow" end
  elseif problem.type == "rate_limit" then
    Async.sleep(problem.retry_after or 5000)
    local again = Agent.execute("researcher", { query = "What is new about " .. topic .. "?" })
    return again.content, "after a pause of " .. math.floor(problem.retry_after or 5000) .. " ms"
  end
  return Agent.execute("understudy", "What is known about " .. topic .. "?").content, "understudy, after " .. problem.type
end

for _, topic in ipairs { "tides", "comets", "tides", "glaciers" } do
  local answer, how = research(topic)
  print(topic .. ": " .. answer)
  print("  (" .. how .. ")")
end

-- An error handler of an agent decides without the caller knowing: `retry` repeats what failed.
local stubborn = Agent.new {
  name = "stubborn",
  system_prompt = "You look things up. Answer in one sentence.",
  retries = 0,
  hooks = {
    on_error = function(context)
      context.retry = context.unit == "llm_call" and context.retry_count < 3
      context.retry_delay = 10 * 2 ^ context.retry_count
    end,
  },
}
stubborn:on("retry", function(event) print("  again, attempt " .. event.retry_count + 1) end)
print("storms: " .. stubborn:chat("What is new about storms?"))
