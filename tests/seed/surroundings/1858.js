const log = { audit: [], errors: [], prompts: [] };
const sanitizeInput = (text) => text.replaceAll("<", "");
const getUserProfile = async (id) => ({ id, language: "en" });
const addSafetyInstructions = (prompt) => `${prompt} Answer safely.`;
const addCitations = async (text) => `${text} [1]`;
const rateLimiter = { exceeded: false, async isExceeded() { return this.exceeded; } };
const contentModerator = {
  async check(text) {
    log.prompts.push(text);
    return { inappropriate: text.includes("forbidden") };
  },
};
const auditLogger = { log: async (entry) => log.audit.push(entry) };
const errorReporter = { report: async (error) => log.errors.push(error.message) };
//: after
const check = (right, what) => { if (!right) throw new Error(what); };
console.log(await agent.chat("<Tell me a story"));
check(log.prompts[0] === "Tell me a story", `sanitized: ${log.prompts[0]}`);
check(log.audit.length === 1 && log.audit[0].output !== undefined, "one audit entry with the output");
check(typeof log.audit[0].timestamp === "string" && log.audit[0].toolsUsed.length === 0, "what the audit entry holds");

const refused = async (message) => {
  try {
    await agent.chat(message);
  } catch (error) {
    return error.name;
  }
};
check((await refused("something forbidden")) === "ContentViolationError", "moderated");
rateLimiter.exceeded = true;
check((await refused("anything")) === "RateLimitError", "limited");
// The first veto fails two units, the model call and the execution around it; the second only the execution.
check(log.errors.length === 3, `reported: ${log.errors}`);
check(log.errors[0] === "Inappropriate content detected", "the first report has the reason");
//: prints A short answer.
//: sends Tell me a story Answer safely.
