//: waits for the audit logger, which comes with the script API
