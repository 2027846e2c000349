// The service is busy at the first request; the spell's own pause and second request are what is to be seen.
new Agent({ name: "research_agent", systemPrompt: "You look things up.", provider: "openai", retries: 0 });
//: prints Rate limited, waiting and retrying...
//: prints A short answer.
