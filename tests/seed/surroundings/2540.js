//: after
const failed = parallelResults.filter((settled) => !settled.value?.success);
if (failed.length) throw new Error(JSON.stringify(failed));
if (pipelineResult.stepResults.length !== 4) throw new Error("four steps");
//: prints Completed: search_papers ✓
//: prints Pipeline completed:
