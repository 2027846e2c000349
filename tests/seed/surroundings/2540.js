//: instead of 2709-2712: these four are templates of a later release
for (const name of ["research", "analysis", "writer", "reviewer"]) {
  coordinator.registerAgent(name, new Agent({ name, provider: name === "writer" ? "anthropic" : "openai" }));
}
//: after
const failed = parallelResults.filter((settled) => !settled.value?.success);
if (failed.length) throw new Error(JSON.stringify(failed));
if (pipelineResult.stepResults.length !== 4) throw new Error("four steps");
//: prints Completed: search_papers ✓
//: prints Pipeline completed:
