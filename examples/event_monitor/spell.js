// Everything that happens is an event. This spell watches two agents at work and keeps a table of what they did.
const seen = new Map();

function row(name) {
  if (!seen.has(name)) seen.set(name, { asked: 0, tools: 0, tokens: 0, status: "idle" });
  return seen.get(name);
}

// `*` hears everything, as (eventType, data). Names may be patterns too: `tool:*`.
eventBus.on("*", (eventType, data) => {
  switch (eventType) {
    case "execution_started":
      row(data.agentName).status = "working";
      break;
    case "execution_completed":
      row(data.agentName).status = data.status;
      break;
    case "llm_call_completed":
      row(data.agentName).asked += 1;
      row(data.agentName).tokens += data.usage.total;
      break;
    case "tool_completed":
      row(data.agentName).tools += 1;
      break;
  }
});

// Events of your own travel the same way, and are in the run's trace like any other.
eventBus.on("weather_known", ({ city, sky }) => console.log(`heard: ${city} is ${sky}`));

const weather = Tool.define({
  name: "weather",
  description: "Tells the sky over a city.",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  execute({ city }) {
    const sky = city === "Oslo" ? "clear" : "cloudy";
    eventBus.emit("weather_known", { city, sky });
    return { sky };
  },
});

const forecaster = new Agent({ name: "forecaster", systemPrompt: "You tell the weather.", tools: [weather] });
const poet = new Agent({ name: "poet", systemPrompt: "You write one line of verse." });

// Both at once: what they do comes in whatever order it happens.
const [forecast, verse] = await Promise.all([
  forecaster.chat("How is the weather in Oslo?"),
  poet.chat("A line about the sky."),
]);

console.log(forecast);
console.log(verse);
for (const [name, agent] of [...seen].sort()) {
  console.log(`${name.padEnd(10)}  ${agent.status}, model calls: ${agent.asked}, tool calls: ${agent.tools}`);
}
if (seen.get("poet").tokens !== poet.usage.total) throw new Error("the events tell what the agent counted itself");
