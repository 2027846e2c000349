// The same question about each of many texts, a few at once; then one answer from all the answers.

const comments = [
  "The lamp is lovely, and it came a day early.",
  "It broke after a week.",
  "Does what it should.",
  "I would buy it again, and I did!",
  "The shop never answered my mail.",
];

const reader = new Agent({
  name: "reader",
  systemPrompt: "You read comments of customers. Answer with one word: good, bad or neutral.",
});

const survey = Workflow.mapReduce({
  name: "survey",
  items: comments,
  concurrency: 2,
  map: { agent: reader, input: "How does this sound? {{item}}", retries: 1, onError: "continue" },
  reduce(words) {
    const counts = { good: 0, bad: 0, neutral: 0 };
    for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
    return counts;
  },
});

const counts = await survey.run();
console.log(`good: ${counts.good}, bad: ${counts.bad}, neutral: ${counts.neutral}`);

// A pipeline is for work in stages: each item moves on as soon as it is ready, while the next one comes in.
const labels = Workflow.pipeline({
  stages: [
    { agent: reader, input: "How does this sound? {{item}}" },
    (word) => (word === "neutral" ? null : word.toUpperCase()), // null drops the item
  ],
});
console.log((await labels.run(comments)).join(" "));
