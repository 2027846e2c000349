-- A workflow without a plan: each handler does its part and emits what has happened; the next one hears it.
local desk = EventSystem.new { name = "desk" }

local writer = Agent.new { name = "writer", system_prompt = "You write notices of one sentence." }
local reviewer = Agent.new { name = "reviewer", system_prompt = "You review notices. Is everything said that people need?" }

local verdict = {
  type = "object",
  properties = { approved = { type = "boolean" }, feedback = { type = "string" } },
  required = { "approved", "feedback" },
}

-- Handlers may wait: each runs in a task of its own.
desk:on("notice_wanted", function(event)
  desk:emit("draft_completed", { draft = writer:chat("Write a notice: " .. event.topic), round = 1 })
end)

desk:on("draft_completed", function(event)
  print("draft " .. event.round .. ": " .. event.draft)
  local review = reviewer:chat("Review: " .. event.draft, { schema = verdict })
  if review.approved or event.round == 3 then
    desk:emit("notice_approved", { notice = event.draft, rounds = event.round })
  else
    desk:emit("revision_needed", { draft = event.draft, feedback = review.feedback, round = event.round })
  end
end)

desk:on("revision_needed", function(event)
  print("sent back: " .. event.feedback)
  local draft = writer:chat("Revise it. " .. event.feedback)
  desk:emit("draft_completed", { draft = draft, round = event.round + 1 })
end)

-- `*` hears everything, a pattern what fits.
local heard = 0
desk:on("*", function() heard = heard + 1 end)

desk:emit("notice_wanted", { topic = "the library is closed" })

-- One line of the spell waits for the outcome, wherever it comes from.
local outcome = desk:wait_for("notice_approved", { timeout = 60000 })
print("approved after " .. outcome.rounds .. " rounds and " .. heard .. " events: " .. outcome.notice)
