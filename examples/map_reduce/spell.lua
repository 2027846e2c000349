-- The same question about each of many texts, a few at once; then one answer from all the answers.

local comments = {
  "The lamp is lovely, and it came a day early.",
  "It broke after a week.",
  "Does what it should.",
  "I would buy it again, and I did!",
  "The shop never answered my mail.",
}

local reader = Agent.new {
  name = "reader",
  system_prompt = "You read comments of customers. Answer with one word: good, bad or neutral.",
}

local survey = Workflow.map_reduce {
  name = "survey",
  items = comments,
  concurrency = 2,
  map = { agent = reader, input = "How does this sound? {{item}}", retries = 1, on_error = "continue" },
  reduce = function(words)
    local counts = { good = 0, bad = 0, neutral = 0 }
    for _, word in ipairs(words) do
      counts[word] = (counts[word] or 0) + 1
    end
    return counts
  end,
}

local counts = survey:run()
print(("good: %d, bad: %d, neutral: %d"):format(counts.good, counts.bad, counts.neutral))

-- A pipeline is for work in stages: each item moves on as soon as it is ready, while the next one comes in.
local labels = Workflow.pipeline {
  stages = {
    { agent = reader, input = "How does this sound? {{item}}" },
    function(word) if word ~= "neutral" then return word:upper() end end, -- nil drops the item
  },
}
print(table.concat(labels:run(comments), " "))
