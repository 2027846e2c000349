local function should_retry(error)
  return error.message:find("shaky") ~= nil
end
--: after
local agent = Agent.new { name = "watched" }
print(agent:chat("Hello"))
local tries = 0
local shaky = Tool.define {
  name = "shaky",
  description = "Fails the first time.",
  parameters = { type = "object" },
  execute = function()
    tries = tries + 1
    if tries == 1 then error("shaky") end
    return tries
  end,
}
print("tries", shaky:execute({}))
local seen = metrics:snapshot()
print("counted", seen.counters.llm_calls_started, seen.histograms.llm_call_duration.count, seen.histograms.llm_tokens_used.sum > 0)
assert(seen.counters.llmspell_log_messages == 1)
--: prints Starting LLM call for agent
--: prints LLM call completed in
--: prints Retrying in 2000ms (attempt 1/3)
--: prints tries	2
--: prints counted	1	1	true
