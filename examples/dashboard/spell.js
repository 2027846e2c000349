// What a run counts: the spell's own numbers beside those of the runtime, and the whole at a glance.
const weather = Tool.define({
  name: "weather",
  description: "Tells the sky over a city.",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  execute({ city }) {
    metrics.increment("forecasts", { city });
    return { sky: "clear" };
  },
});

const forecaster = new Agent({ name: "forecaster", systemPrompt: "You tell the weather.", tools: [weather] });
const poet = new Agent({ name: "poet", systemPrompt: "You write one line of verse." });

// A timer measures from here to its `stop`; a histogram takes any number.
const timer = metrics.timer("evening");
for (const answer of [await forecaster.chat("How is the weather in Oslo?"), await poet.chat("A line about the sky.")]) {
  console.log(answer);
  metrics.histogram("answer_length", answer.length);
}
timer.stop();

// Messages with fields: events of the run, and from `[log] level` on also lines on stderr.
logger.debug("evening over", { answers: 2 });

const dashboard = metrics.dashboard();
for (const { name, status, llmCalls, toolCalls } of dashboard.agents) {
  console.log(`${name.padEnd(10)}  ${status}, model calls: ${llmCalls}, tool calls: ${toolCalls}`);
}
const { counters, histograms } = dashboard.metrics;
console.log(`forecasts: ${counters.forecasts}, tool runs: ${counters.llmspell_tool_calls}`);
console.log(`answers: ${histograms.answer_length.count}, the longest has ${histograms.answer_length.max} letters`);

// The same for Prometheus; `llmspell trace export RUN --format prometheus` gives it for any run.
console.log(metrics.export("prometheus").match(/forecasts_total\{.*$/m)[0]);
