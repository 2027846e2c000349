// One tool called directly, many times: hash, whose work is a few microseconds.
const hash = new Hash(), call = { text: "hello", algorithm: "sha256" };
for (let n = 0; n < 50; n++) await hash.execute(call);
console.log("begin");
for (let n = 0; n < params.calls; n++) await hash.execute(call);
console.log("end");
