-- A person decides, a limiter slows down, a moderator looks over, and an audit log keeps what was decided.

local editor = Agent.new {
  name = "editor",
  system_prompt = "You write short, friendly mails for a flower shop. Give the text of the mail only.",
}

local limiter = RateLimiter.new { requests = 10, per = "minute" }
local moderator = ContentModerator.new { words = { prices = { "for free", "discount" } } }
local audit = AuditLogger.new("./output/audit.log")

local function ask_before_sending(customer)
  limiter:check_limit("mail:" .. customer)
  local draft = editor:execute("Thank " .. customer .. " for the order.").content

  local found = moderator:check(draft)
  if found.flagged then
    audit:log("refused", { customer = customer, categories = found.categories })
    return customer .. ": not sent, it promises " .. found.matches[1].text
  end

  print(draft)
  if not Human.approve("Send this to " .. customer .. "?") then
    audit:log("declined", { customer = customer })
    return customer .. ": not sent"
  end
  local sender = Human.ask { question = "Signed by?", choices = { "Ada", "Grace" }, default = "Ada" }
  audit:log("sent", { customer = customer, user_id = sender })
  return customer .. ": sent by " .. sender
end

for _, customer in ipairs { "Alan", "Edsger", "Barbara" } do
  print(ask_before_sending(customer))
end
