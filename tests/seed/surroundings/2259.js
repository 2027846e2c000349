//: waits for the tools' own hooks of later tools, RateLimiter and ContentModerator
