new Agent({ name: "research_agent", systemPrompt: "You look things up.", provider: "openai" });
//: prints A short answer.
