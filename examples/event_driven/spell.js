// A workflow without a plan: each handler does its part and emits what has happened; the next one hears it.
const desk = new EventSystem({ name: "desk" });

const writer = new Agent({ name: "writer", systemPrompt: "You write notices of one sentence." });
const reviewer = new Agent({ name: "reviewer", systemPrompt: "You review notices. Is everything said that people need?" });

const verdict = {
  type: "object",
  properties: { approved: { type: "boolean" }, feedback: { type: "string" } },
  required: ["approved", "feedback"],
};

// Handlers may wait: whoever emits goes on meanwhile.
desk.on("notice_wanted", async ({ topic }) => {
  desk.emit("draft_completed", { draft: await writer.chat(`Write a notice: ${topic}`), round: 1 });
});

desk.on("draft_completed", async ({ draft, round }) => {
  console.log(`draft ${round}: ${draft}`);
  const review = await reviewer.chat(`Review: ${draft}`, { schema: verdict });
  if (review.approved || round === 3) {
    desk.emit("notice_approved", { notice: draft, rounds: round });
  } else {
    desk.emit("revision_needed", { draft, feedback: review.feedback, round });
  }
});

desk.on("revision_needed", async ({ feedback, round }) => {
  console.log(`sent back: ${feedback}`);
  desk.emit("draft_completed", { draft: await writer.chat(`Revise it. ${feedback}`), round: round + 1 });
});

// `*` hears everything, a pattern what fits.
let heard = 0;
desk.on("*", () => { heard += 1; });

desk.emit("notice_wanted", { topic: "the library is closed" });

// One line of the spell waits for the outcome, wherever it comes from.
const outcome = await desk.waitFor("notice_approved", { timeout: 60000 });
console.log(`approved after ${outcome.rounds} rounds and ${heard} events: ${outcome.notice}`);
