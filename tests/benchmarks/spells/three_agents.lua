-- A workflow of three agents, one after the other, again and again: `params.calls` model calls between `begin` and
-- `end`. With `params.watched` a hook sees every request and a listener every answer.
if params.watched then
  Hooks.register("before_llm_call", function(context) context.prompt = context.prompt .. " Be brief." end)
  local heard = 0
  eventBus.on("llm_call_completed", function() heard = heard + 1 end)
end

local function workflow()
  local text = "Tell me about tea."
  for _, role in ipairs { "You research.", "You write.", "You review." } do
    text = Agent.new(role):chat(text)
  end
end

for _ = 1, 10 do workflow() end
print("begin")
for _ = 1, params.calls // 3 do workflow() end
print("end")
Async.sleep(200) -- the trace's writer catches up
print("settled")
