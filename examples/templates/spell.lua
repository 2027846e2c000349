-- A writer and a reviewer: what one writes the other reads, until it can stay as it is.

local writer = WriterAgent.new { name = "writer", style = "plain", length = "two sentences" }
local reviewer = ReviewAgent.new { name = "reviewer", criteria = { "accuracy", "brevity" } }

local text = writer:write { topic = "why the sea is salty" }
for round = 1, 3 do
  -- An action gives text, or data in a stated shape: `llmspell help ReviewAgent.review` shows this one.
  local verdict = reviewer:review(text)
  for _, issue in ipairs(verdict.issues) do
    print(("round %d, %s: %s"):format(round, issue.criterion, issue.problem))
  end
  if verdict.approved then break end
  text = writer:revise { draft = text, feedback = verdict.feedback }
end
print(text)

-- A chat agent with a memory of a certain size: older turns are summed up, the history keeps them all.
local guide = ChatAgent.new { name = "guide", memory = { kind = "summary", turns = 1 } }
for _, said in ipairs { "I am Ada and I live by the North Sea.", "Is it salty there?", "What is my name?" } do
  print(guide:chat(said))
end
print("remembered: " .. guide.summary)
