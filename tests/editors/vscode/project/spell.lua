local greeter = Agent.new {
  name = "greeter",
  system_prompt = "You greet people in one short, friendly sentence.",
}

print(greeter:chat("Please greet " .. (params.name or "Ada") .. "."))
