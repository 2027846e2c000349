//: instead of 318-318: WebSearch is a tool of a later release
    tools: [new Calculator()]
//: after
console.log("\n" + response);
await agent.chat("What are two and two?");
//: prints A short answer.
//: prints Tool used: calculator
