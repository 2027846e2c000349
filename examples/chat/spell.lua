-- An agent remembers its conversation, and streams an answer piece by piece.
local agent = Agent.new {
  name = "guide",
  system_prompt = "You are a museum guide. Answer in one or two short sentences.",
}

print("Ada:   My name is Ada. Who painted The Starry Night?")
print("Guide: " .. agent:chat("My name is Ada. Who painted The Starry Night?"))

-- Every call that waits looks like a plain call; a stream is what a for loop goes through.
print("Ada:   Where was he when he painted it?")
io.write("Guide: ")
for piece in agent:stream_chat("Where was he when he painted it?") do
  io.write(piece)
end
print()

-- The question only makes sense to somebody who heard the first one.
print("Ada:   And what was my name?")
print("Guide: " .. agent:chat("And what was my name?"))

print(#agent:conversation_history() .. " turns so far:")
for number, turn in ipairs(agent:conversation_history()) do
  print("  " .. number .. ". " .. turn.user_message)
end

agent:clear_history()
print(#agent:conversation_history() .. " turns after clearing.")
