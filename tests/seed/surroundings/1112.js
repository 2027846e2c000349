//: waits for the tools WebSearch and FileWriter
