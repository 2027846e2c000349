-- State: what outlasts a run, what an agent knows while it works, and how it hands that on.

-- Kept in the project: the next run finds it. `update` loses nothing, however many runs change it at once.
local issue = State.update("newsletter/issue", function(number) return (number or 0) + 1 end)
print("issue " .. issue)

-- A watcher hears of each change below a prefix, also of those that other programs make.
local heard = {}
local watch = State.watch("newsletter/", function(change) table.insert(heard, change.key) end)

local researcher = Agent.new {
  name = "researcher",
  system_prompt = "You know about lighthouses. Answer in one sentence.",
  -- A state machine: from each status, by event, the next status.
  transitions = { idle = { start = "reading" }, reading = { finish = "idle" } },
}
local writer = Agent.new { name = "writer", system_prompt = "You write newsletters. One sentence." }

-- `agent.state` is a live table: every field that is written is an event of the trace.
print("researcher: " .. researcher:transition("start"))
researcher.state.notes = researcher:chat("What kept the first lamps burning?")
researcher.state.sources = { "the keeper's log", "a tide table" }
researcher.state.doubts = "ask the museum"
print("researcher: " .. researcher:transition("finish"))

-- The machine allows only what it says, and says what it allows.
local ok, problem = pcall(researcher.transition, researcher, "finish")
if not ok then print(problem.message) end

-- The writer gets the notes and sources, and not the doubts.
StateHandoff.new {
  from = "researcher",
  to = "writer",
  filter = { include = { "notes", "sources" } },
}:execute()
print("the writer knows of " .. #writer.state.sources .. " sources, and of doubts: " .. tostring(writer.state.doubts))

local text = writer:chat("Write an opening from these notes: " .. writer.state.notes)
State.set("newsletter/text", text, { ttl = 86400000 }) -- for a day

while #heard == 0 do Async.sleep(5) end
watch:stop()
print("heard of " .. heard[1] .. ": " .. State.get("newsletter/text"))
