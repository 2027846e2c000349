// `params.agents` agents, all asked at the same moment, between `begin` and `end`.
await new Agent().chat("Are you there?")

const agents = Array.from({ length: params.agents }, () => new Agent("You answer."))

console.log("begin")
const answers = await Promise.all(agents.map((agent, number) => agent.chat(`Question ${number}`)))
console.log("end")
if (answers.length !== params.agents) throw new Error("an answer is missing")
await Async.sleep(200) // the trace's writer catches up
console.log("settled")
