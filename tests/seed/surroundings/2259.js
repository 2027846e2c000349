//: flags --allow-write logs
//: after
for (const name of ["file_system", "http_request", "shell_command", "email"])
  console.log(name + ": " + (secureAgent.tools.find(t => t.name === name) !== undefined));
const tool = (name) => secureAgent.tools.find(t => t.name === name);
const refused = async (name, params) => {
  try { await tool(name).execute(params); return "done"; } catch (error) { return `${error.name}: ${error.message}`; }
};
console.log(await refused("file_system", { operation: "read", path: "../secret.txt" }));
console.log(await refused("http_request", { url: "https://elsewhere.example/" }));
console.log(await refused("shell_command", { command: "rm -r ." }));
console.log(await refused("email", { to: "eve@evil.example", subject: "Hi", body: "there" }));
console.log(secureAgent.isCommandAllowed("python3 ./scripts/count.py"));
//: prints file_system: true
//: prints email: true
//: prints SecurityError: Invalid path detected
//: prints SecurityError: Domain not allowed: elsewhere.example
//: prints SecurityError: Command not allowed: rm -r .
//: prints SecurityError: Email recipient not allowed: eve@evil.example
