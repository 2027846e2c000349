-- The same calls with a workflow and without one, between `begin` and `end`. params.kind: `steps` one after the other,
-- `crowd` at once, `items` through a function; params.count: how many; params.plain: without the workflow.
local agent = Agent.new { name = "answerer", system_prompt = "You answer." }
agent:execute("Are you there?")
local count = params.count

local function steps(number)
  local found = {}
  for place = 1, number do found[place] = { agent = agent, input = "Question " .. place } end
  return found
end

local work = {
  steps = function()
    if not params.plain then
      local flow = Workflow.sequential { name = "row", steps = steps(count) }
      return function() flow:run() end
    end
    return function() for place = 1, count do agent:execute("Question " .. place) end end
  end,
  crowd = function()
    if not params.plain then
      local flow = Workflow.parallel { name = "crowd", steps = steps(count) }
      return function() assert(#flow:run() == count) end
    end
    local questions = {}
    for place = 1, count do questions[place] = function() return agent:execute("Question " .. place) end end
    return function() assert(#Async.all(questions) == count) end
  end,
  items = function()
    local items = {}
    for place = 1, count do items[place] = place end
    local flow = Workflow.map_reduce { name = "sums", map = function(item) return item * 2 end,
      reduce = function(all)
        local sum = 0
        for _, each in ipairs(all) do sum = sum + each end
        return sum
      end }
    return function() assert(flow:run(items) == count * (count + 1)) end
  end,
}

if params.kind ~= "items" then
  Workflow.sequential { name = "warm", steps = steps(10) }:run() -- both sides: what is loaded first is loaded
end
local run = work[params.kind]()
print("begin")
run()
print("end")
Async.sleep(300) -- the trace's writer catches up
print("settled")
