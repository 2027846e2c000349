// What the class leaves open: how jobs are numbered and how results are joined.
let jobs = 0;
BaseAgent.prototype.generateJobId = () => `job-${++jobs}`;
BaseAgent.prototype.aggregateResults = (results) => results.map((part) => `${part.jobId} ${part.agent}: ${part.result}`);
//: instead of 1784-1786: ResearchAgent, WriterAgent and ReviewAgent are templates of a later release
orchestrator.addAgent("researcher", new Agent({ name: "researcher", provider: "openai" }));
orchestrator.addAgent("fact_checker", new Agent({ name: "fact_checker", provider: "anthropic" }));
//: after
console.log(result.join("; "));
const statuses = [...orchestrator.activeJobs.values()].map((job) => job.status).join();
if (statuses !== "completed,completed") throw new Error(statuses);
if (orchestrator.tools.length !== 2) throw new Error("each agent is a tool of the orchestrator");
//: prints job-1 researcher: A short answer.; job-2 fact_checker: A short answer.
