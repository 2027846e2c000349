// An agent remembers its conversation, and streams an answer piece by piece.
const agent = new Agent({
  name: "guide",
  systemPrompt: "You are a museum guide. Answer in one or two short sentences.",
});

console.log("Ada:   My name is Ada. Who painted The Starry Night?");
console.log("Guide: " + (await agent.chat("My name is Ada. Who painted The Starry Night?")));

// A stream is an async iterator: the pieces come as the model writes them.
console.log("Ada:   Where was he when he painted it?");
process.stdout.write("Guide: ");
for await (const piece of agent.streamChat("Where was he when he painted it?")) {
  process.stdout.write(piece);
}
console.log();

// The question only makes sense to somebody who heard the first one.
console.log("Ada:   And what was my name?");
console.log("Guide: " + (await agent.chat("And what was my name?")));

console.log(`${agent.conversationHistory().length} turns so far:`);
for (const [index, turn] of agent.conversationHistory().entries()) {
  console.log(`  ${index + 1}. ${turn.userMessage}`);
}

agent.clearHistory();
console.log(`${agent.conversationHistory().length} turns after clearing.`);
