// A supervisor and its workers, as one agent: its model chooses who does a task, and looks at what comes back.

const cook = new Agent({ name: "cook", capabilities: ["recipes", "shopping lists"] });
const poet = new Agent({ name: "poet", capabilities: ["verses", "greetings"] });
const boss = new Agent({ name: "boss", systemPrompt: "You run a small restaurant, and you are hard to please." });

const team = new SupervisorAgent({
  name: "team",
  supervisor: boss,
  workers: { cook, poet },
  strategy: "model", // or "round_robin", "skill_based", "least_busy", or a function
  review: true,
  hooks: {
    beforeDelegation: ({ supervisor, worker }) => console.log(`${supervisor} asks ${worker}`),
  },
});

team.on("delegationReviewed", ({ approved, notes }) => console.log(approved ? "approved" : "sent back: " + notes));

console.log(String(await team.execute("A verse for the menu of a rainy day")));

// It is an agent like any other: here a stage of a pipeline, after a panel that is one, too.
const panel = new CompositeAgent({
  name: "panel",
  agents: [cook, poet],
  mode: "sequential", // each sees the answers of those before it; "concurrent" asks all at once
  aggregator: (ideas) => ideas.join(" / "),
});
const evening = new PipelineAgent({ stages: [panel, team] });
console.log(await evening.process("An idea for the evening"));
