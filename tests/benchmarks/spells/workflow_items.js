// `params.count` items through a map_reduce with a function as map, between `begin` and `end`.
const count = params.count;
const items = Array.from({ length: count }, (_, place) => place + 1);
const flow = Workflow.mapReduce({
  name: "sums",
  map: (item) => item * 2,
  reduce: (all) => all.reduce((sum, each) => sum + each, 0),
});
console.log("begin");
const sum = await flow.run(items);
console.log("end");
if (sum !== count * (count + 1)) throw new Error(`the sum is ${sum}`);
await Async.sleep(300); // the trace's writer catches up
console.log("settled");
