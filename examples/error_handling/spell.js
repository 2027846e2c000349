// What goes wrong has a type, and each type its own remedy: an old answer, a pause, or somebody else.

// Found by their names from anywhere in the spell. `retries` is how often llmspell itself repeats a request that may
// succeed later (429, 5xx, network), waiting as long as the service asks for; here the spell wants to decide.
new Agent({ name: "researcher", systemPrompt: "You look things up. Answer in one sentence.", retries: 0 });
new Agent({ name: "understudy", systemPrompt: "You answer from memory, in one sentence.", retries: 0 });

const patience = params.timeout ?? 1000; // milliseconds

async function research(topic) {
  const query = `What is new about ${topic}?`;
  try {
    const { content } = await Agent.execute("researcher", { query, timeout: patience });
    await Cache.set(`research:${topic}`, content, { ttl: 3600000 });
    return [content, "fresh"];
  } catch (error) {
    const problem = ErrorHandler.parseError(error);
    switch (problem.type) {
      case "timeout": {
        // `getCached<Kind>(key)` reads the key `<kind>:<key>`.
        const old = await Cache.getCachedResearch(topic);
        if (old) return [old, "from the cache, the researcher is too slow"];
        break;
      }
      case "rate_limit": {
        const pause = problem.retryAfter ?? 5000;
        await Async.sleep(pause);
        return [(await Agent.execute("researcher", { query })).content, `after a pause of ${Math.floor(pause)} ms`];
      }
    }
    const known = await Agent.execute("understudy", `What is known about ${topic}?`);
    return [known.content, `understudy, after ${problem.type}`];
  }
}

for (const topic of ["tides", "comets", "tides", "glaciers"]) {
  const [answer, how] = await research(topic);
  console.log(`${topic}: ${answer}`);
  console.log(`  (${how})`);
}

// An error handler of an agent decides without the caller knowing: `retry` repeats what failed.
const stubborn = new Agent({
  name: "stubborn",
  systemPrompt: "You look things up. Answer in one sentence.",
  retries: 0,
  hooks: {
    onError(context) {
      context.retry = context.unit === "llm_call" && context.retryCount < 3;
      context.retryDelay = 10 * 2 ** context.retryCount;
    },
  },
});
stubborn.on("retry", ({ retryCount }) => console.log(`  again, attempt ${retryCount + 1}`));
console.log("storms: " + (await stubborn.chat("What is new about storms?")));
