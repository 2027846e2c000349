local researcher = Agent.new { name = "researcher", state = { research_notes = { "a" }, sources = { "b" }, draft = "c" } }
local writer = Agent.new { name = "writer" }
--: after
handoff:execute()
assert(writer.state.research_notes[1] == "a" and writer.state.sources[1] == "b", "what is included is handed over")
assert(writer.state.draft == nil, "nothing else is")
print("handed over")
--: prints handed over
