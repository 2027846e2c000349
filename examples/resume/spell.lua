-- Eight chapters, one after the other. Whoever kills this on its way loses the chapter that was being written.

local chapters = { "the well", "the road", "the ferry", "the inn", "the fair", "the storm", "the lamp", "the harbour" }
local writer = Agent.new { name = "writer", system_prompt = "You write one sentence about each chapter." }

local book = Workflow.loop {
  name = "book",
  over = "{{chapters}}",
  body = {
    -- Time to kill it: `--param pause=1000` waits a second before each chapter.
    function(chapter) Async.sleep(params.pause or 0) return chapter end,
    { agent = writer, input = "Write about {{item}}" },
  },
}

local written = 0
book:on("workflow_step_completed", function(now)
  if now.step_type == "agent" then
    written = written + 1
    print(written .. ". " .. now.output)
  end
end)

local found = book:run_detailed { chapters = chapters }
print(#found.result .. " chapters")
