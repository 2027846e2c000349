// Twenty agents at once, with everything that a run gets from outside: models, tools, hooks, streams, timers, chance,
// the clock, the environment, the project's cache.
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const weather = Tool.define({
  name: "weather",
  description: "The weather of a city",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  execute: async ({ city }) => {
    await pause(Math.random() * 8);
    return { city, at: Date.now(), ticks: performance.now() >= 0 };
  },
});

Hooks.register("beforeLLMCall", (context) => {
  context.prompt += ` [${uuid.generate()}]`;
});
Hooks.register("afterToolCall", async (context) => {
  await pause(Math.random() * 3);
  context.seenAt = new Date().toISOString();
}, { tool: "weather" });

const heard = [];
eventBus.on("tool:*", (event) => heard.push(event.toolName));

await Cache.set("report:topic", { name: "tea", size: params.size });

const work = async (number) => {
  const agent = new Agent({ name: `agent${number}`, tools: [new Calculator(), weather] });
  const sum = await agent.chat(`What is ${number}% of 2500?`);
  await pause(Math.random() * 20);
  const told = await agent.chat("Ask the weather tool");
  let pieces = 0;
  for await (const piece of agent.streamChat(`Tell of ${process.env.TOPIC} ${number}`)) pieces += piece.length > 0;
  const winner = await Promise.race([
    agent.execute({ query: `first ${number}` }).then(String),
    pause(Math.random() * 30).then(() => "the clock"),
  ]);
  let problem;
  try {
    await agent.execute({ query: `hang ${number}`, timeout: 10 + number });
  } catch (error) {
    problem = error.type;
  }
  const slow = await agent.chat(`busy ${number}`);
  return { sum, told, pieces, winner, problem, slow, topic: (await Cache.getCachedReport("topic")).name, chance: Math.random() };
};

const results = await Promise.all(Array.from({ length: 20 }, (_, index) => work(index + 1)));
console.log(heard.length, new Date().getUTCFullYear(), JSON.stringify(results[19]));
return results;
