--: after
assert(next(scheduler.tasks) == nil)
--: prints Task research completed: Research completed
--: prints Task analysis completed: Analysis completed
--: prints Task writing completed: Writing completed
--: prints All tasks completed!
--: sends AI topic 5
--: sends dataset_3
