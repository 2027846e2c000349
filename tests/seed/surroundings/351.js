const agent = new Agent({ name: "adder", tools: [new Calculator()] });
const audit = new AuditLogger("./output/audit.log");
//: after
await agent.chat("What are two and two?");
await Async.sleep(20);
const written = await new FileSystem().execute({ operation: "read", path: "output/audit.log" });
const entries = written.content.trim().split("\n").map((line) => JSON.parse(line));
if (!entries.some((entry) => entry.fields.toolName === "calculator")) throw new Error(written.content);
console.log("audited", entries.length > 0, JSON.stringify(metrics.snapshot()).includes("agents.active"));
//: prints audited true true
