// A writer and a reviewer: what one writes the other reads, until it can stay as it is.

const writer = new WriterAgent({ name: "writer", style: "plain", length: "two sentences" });
const reviewer = new ReviewAgent({ name: "reviewer", criteria: ["accuracy", "brevity"] });

let text = await writer.write({ topic: "why the sea is salty" });
for (let round = 1; round <= 3; round++) {
  // An action gives text, or data in a stated shape: `llmspell help ReviewAgent.review` shows this one.
  const verdict = await reviewer.review(text);
  for (const { criterion, problem } of verdict.issues) console.log(`round ${round}, ${criterion}: ${problem}`);
  if (verdict.approved) break;
  text = await writer.revise({ draft: text, feedback: verdict.feedback });
}
console.log(text);

// A chat agent with a memory of a certain size: older turns are summed up, the history keeps them all.
const guide = new ChatAgent({ name: "guide", memory: { kind: "summary", turns: 1 } });
for (const said of ["I am Ada and I live by the North Sea.", "Is it salty there?", "What is my name?"]) {
  console.log(await guide.chat(said));
}
console.log("remembered: " + guide.summary);
