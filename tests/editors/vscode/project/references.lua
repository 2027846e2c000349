local writer = Agent.new { name = "writer", system_prompt = "You write." }
local outside = Workflow.sequential {
  name = "references",
  steps = {
    { agent = writer, input = "A title for {{topic}}", output = "found" },
    { agent = writer, input = 'A line under {{found.title}}, or {{found[1]}}' },
    { agent = writer, input = [[Both: {{topic}}]] },
  },
}
print(outside:run { topic = "tide mills" })
