// What the class leaves open: how one agent is asked, how jobs are numbered and how results are joined.
let jobs = 0;
BaseAgent.prototype.executeSingleAgent = function (name, input) { return this.agents.get(name).execute(input); };
BaseAgent.prototype.generateJobId = () => `job-${++jobs}`;
BaseAgent.prototype.aggregateResults = (results) => results.map((part) => `${part.jobId} ${part.agent}: ${part.result}`);
// It selects a fact checker and adds none: one is among the agents of each orchestrator from the start.
const checker = new ReviewAgent({ name: "fact_checker", provider: "anthropic" });
Object.defineProperty(BaseAgent.prototype, "agents", {
  set(agents) { Object.defineProperty(this, "agents", { value: agents.set("fact_checker", checker) }); },
});
//: after
console.log(result.join("; "));
const statuses = [...orchestrator.activeJobs.values()].map((job) => job.status).join();
if (statuses !== "completed,completed") throw new Error(statuses);
if (orchestrator.tools.length !== 3) throw new Error("each agent is a tool of the orchestrator");
if (!(orchestrator.agents.get("reviewer") instanceof ReviewAgent)) throw new Error("a template is a class");
//: prints job-1 researcher: A short answer.; job-2 fact_checker: A short answer.
//: sends Latest developments in quantum computing
