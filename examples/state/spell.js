// State: what outlasts a run, what an agent knows while it works, and how it hands that on.

// Kept in the project: the next run finds it. `update` loses nothing, however many runs change it at once.
const issue = await State.update("newsletter/issue", (number) => (number ?? 0) + 1);
console.log(`issue ${issue}`);

// A watcher hears of each change below a prefix, also of those that other programs make.
const heard = [];
const watch = await State.watch("newsletter/", (change) => heard.push(change.key));

const researcher = new Agent({
  name: "researcher",
  systemPrompt: "You know about lighthouses. Answer in one sentence.",
  // A state machine: from each status, by event, the next status.
  transitions: { idle: { start: "reading" }, reading: { finish: "idle" } },
});
const writer = new Agent({ name: "writer", systemPrompt: "You write newsletters. One sentence." });

// `agent.state` is a live table: every field that is written is an event of the trace.
console.log(`researcher: ${researcher.transition("start")}`);
researcher.state.notes = await researcher.chat("What kept the first lamps burning?");
researcher.state.sources = ["the keeper's log", "a tide table"];
researcher.state.doubts = "ask the museum";
console.log(`researcher: ${researcher.transition("finish")}`);

// The machine allows only what it says, and says what it allows.
try {
  researcher.transition("finish");
} catch (problem) {
  console.log(problem.message);
}

// The writer gets the notes and sources, and not the doubts.
const handoff = new StateHandoff({
  from: "researcher",
  to: "writer",
  filter: { include: ["notes", "sources"] },
});
await handoff.execute();
console.log(`the writer knows of ${writer.state.sources.length} sources, and of doubts: ${writer.state.doubts ?? "nil"}`);

const text = await writer.chat(`Write an opening from these notes: ${writer.state.notes}`);
await State.set("newsletter/text", text, { ttl: 86400000 }); // for a day

while (heard.length === 0) await Async.sleep(5);
watch.stop();
console.log(`heard of ${heard[0]}: ${await State.get("newsletter/text")}`);
