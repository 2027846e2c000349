// An agent with tools. The model decides which to call; llmspell checks the arguments, runs the calls of one answer at
// the same time, and hands the results back until the model has its answer.
const agent = new Agent({
  name: "clerk",
  systemPrompt: "You answer in one sentence. Use your tools for every calculation and every date.",
  tools: [new Calculator(), new DateTime()],
});

agent.on("toolCalled", (event) => console.log(`  calls ${event.toolName}`));

console.log("What is 15% of 2500?");
console.log("  " + (await agent.chat("What is 15% of 2500?")));

const question = "How many days are there from 20 January to 1 March 2025, and how many minutes is that?";
console.log(question);

// `execute` gives more than the text: the calls with their results, tokens, cost and time.
const output = await agent.execute(question);
console.log(`  ${output}`);
console.log(`  ${output.toolCalls.length} tool calls`);

// A script calls a tool as a model does, with the same checks.
const { result } = await new Calculator().execute({ expression: "15% of 2500" });
console.log(`By hand: ${result}`);
