-- A report made by four agents: a plan, two researchers at once, an editor, and a loop that shortens the draft.

local function expert(name, system_prompt)
  return Agent.new { name = name, system_prompt = system_prompt }
end

local planner = expert("planner", 'You plan reports. Answer with JSON: { "questions": [two questions] }.')
local historian = expert("historian", "You are a historian. Answer in one sentence.")
local engineer = expert("engineer", "You are an engineer. Answer in one sentence.")
local editor = expert("editor", "You write for a newspaper.")

local report = Workflow.sequential {
  name = "report",
  steps = {
    { agent = planner, input = "Two questions about {{topic}}", output = "plan" },
    {
      name = "research",
      type = "parallel",
      steps = {
        -- The plan is text that holds JSON: a reference into it reads it.
        { agent = historian, input = "{{plan.questions[0]}}", output = "history" },
        { agent = engineer, input = "{{plan.questions[1]}}", output = "technology" },
      },
    },
    {
      agent = editor,
      action = "Make one paragraph of these notes",
      input = { history = "{{history}}", technology = "{{technology}}" },
      output = "draft",
    },
    {
      name = "shorten",
      type = "loop",
      max_iterations = 3,
      condition = function(context) return #context.draft > 100 end,
      body = { agent = editor, action = "Shorten this", input = "{{draft}}", output = "draft" },
    },
  },
}

report:on("workflow_progress", function(now)
  print(("%d of %d: %s"):format(now.done, now.total, now.step_name))
end)

local found = report:run_detailed { topic = "tide mills" }
print(found.result)
print(found.steps_executed .. " steps, " .. found.usage.calls .. " answers of models")
