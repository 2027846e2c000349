//: after
console.log(report);
//: prints A short answer.
