// A person decides, a limiter slows down, a moderator looks over, and an audit log keeps what was decided.

const editor = new Agent({
  name: "editor",
  systemPrompt: "You write short, friendly mails for a flower shop. Give the text of the mail only.",
});

const limiter = new RateLimiter({ requests: 10, per: "minute" });
const moderator = new ContentModerator({ words: { prices: ["for free", "discount"] } });
const audit = new AuditLogger("./output/audit.log");

async function askBeforeSending(customer) {
  await limiter.checkLimit(`mail:${customer}`);
  const draft = (await editor.execute(`Thank ${customer} for the order.`)).content;

  const found = await moderator.check(draft);
  if (found.flagged) {
    await audit.log("refused", { customer, categories: found.categories });
    return `${customer}: not sent, it promises ${found.matches[0].text}`;
  }

  console.log(draft);
  if (!(await Human.approve(`Send this to ${customer}?`))) {
    await audit.log("declined", { customer });
    return `${customer}: not sent`;
  }
  const sender = await Human.ask({ question: "Signed by?", choices: ["Ada", "Grace"], default: "Ada" });
  await audit.log("sent", { customer, userId: sender });
  return `${customer}: sent by ${sender}`;
}

for (const customer of ["Alan", "Edsger", "Barbara"]) {
  console.log(await askBeforeSending(customer));
}
