const chatAgent = new Agent({ name: "chat" });
const researchAgent = new Agent({ name: "research" });
const codeAgent = new Agent({ name: "code", baseUrl: "http://127.0.0.1:9/v1", retries: 0 });
const alertSystem = { notify: (message) => console.log(`alert: ${message}`) };
//: after
// A client as a web server would hand it over: `streamToClient` needs no more of it.
const sent = [], closing = [];
const websocket = { send: (text) => sent.push(JSON.parse(text)), on: (name, handler) => name === "close" && closing.push(handler) };
monitor.streamToClient(websocket);
await chatAgent.chat("Hello");
try { await codeAgent.chat("Hello"); } catch (error) { console.log(error.name); }
await Async.sleep(1100);
closing.forEach((handler) => handler());
const types = sent.map((message) => message.type);
console.log(types.filter((type) => type === "agent_activity").length > 5, types.includes("dashboard_update"));
const { agents, metrics: counted } = monitor.getDashboardData();
console.log(agents.map(({ name, status }) => `${name} ${status}`).join(", "));
console.log(counted.counters.agent_executions_started, counted.counters.llm_calls, counted.counters.agent_errors);
//: prints execution_started
//: prints alert: Agent
//: prints true true
//: prints chat idle, research idle, code
