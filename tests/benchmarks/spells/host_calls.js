// `params.calls` host calls through the worker, each a question and its answer, between `begin` and `end`.
const agent = new Agent({ name: "somebody" })
const ask = (count) => {
  for (let n = 0; n < count; n++) agent.capabilities()
}

ask(1000)
console.log("begin")
ask(params.calls)
console.log("end")
