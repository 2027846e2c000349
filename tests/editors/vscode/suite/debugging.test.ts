/** Spells stop where a breakpoint stands, in both languages; what they hold can be read, changed and gone on with. */

import * as assert from "node:assert/strict";
import * as vscode from "vscode";

import { file, running, shown, until } from "./waiting";

interface Frame {
  readonly id: number;
  readonly name: string;
  readonly line: number;
  readonly source?: { readonly path?: string };
}

interface Variable {
  readonly result?: string;
  readonly name: string;
  readonly value: string;
  readonly variablesReference: number;
}

/** A session, with what its adapter tells. */
class Session {
  private readonly heard: { event: string; body: Record<string, unknown> }[] = [];
  private readonly more = new vscode.EventEmitter<void>();
  private readonly disposables: vscode.Disposable[] = [this.more];
  session: vscode.DebugSession | undefined;

  constructor() {
    const tracker = {
      onDidSendMessage: (message: { type: string; event: string; body: Record<string, unknown> }) => {
        if (message.type === "event") {
          this.heard.push(message);
          this.more.fire();
        }
      },
    };
    const createDebugAdapterTracker = (session: vscode.DebugSession): vscode.DebugAdapterTracker => {
      this.session = session;
      return tracker;
    };
    this.disposables.push(vscode.debug.registerDebugAdapterTrackerFactory("llmspell", { createDebugAdapterTracker }));
  }

  /** The next event of that name, and those before it are done with. */
  async next(event: string): Promise<Record<string, unknown>> {
    for (;;) {
      const at = this.heard.findIndex((each) => each.event === event || each.event === "terminated");
      const found = this.heard[at];
      if (found?.event === event) {
        this.printed += texts(this.heard.splice(0, at + 1));
        return found.body ?? {};
      }
      assert.equal(found, undefined, `${event} never came; ${this.printed}${texts(this.heard)}`);
      await new Promise<void>((resolve) => {
        const subscription = this.more.event(() => {
          subscription.dispose();
          resolve();
        });
      });
    }
  }

  printed = "";

  async ask<T>(command: string, given?: unknown): Promise<T> {
    assert.ok(this.session);
    return (await this.session.customRequest(command, given)) as T;
  }

  async stack(): Promise<Frame[]> {
    const body = await this.next("stopped");
    return (await this.ask<{ stackFrames: Frame[] }>("stackTrace", { threadId: body["threadId"] })).stackFrames;
  }

  async scopes(frame: Frame): Promise<Map<string, Variable[]>> {
    const { scopes } = await this.ask<{ scopes: Variable[] }>("scopes", { frameId: frame.id });
    const found = new Map<string, Variable[]>();
    for (const { name, variablesReference } of scopes) {
      found.set(name, (await this.ask<{ variables: Variable[] }>("variables", { variablesReference })).variables);
    }
    return found;
  }

  dispose(): void {
    vscode.Disposable.from(...this.disposables).dispose();
  }
}

function texts(events: { event: string; body: Record<string, unknown> }[]): string {
  return events.filter((each) => each.event === "output").map((each) => String(each.body["output"])).join("");
}

function at(name: string, line: number, condition?: string, log?: string): vscode.SourceBreakpoint {
  const place = new vscode.Location(file(name), new vscode.Position(line - 1, 0));
  return new vscode.SourceBreakpoint(place, true, condition, undefined, log);
}

describe("the debugger", () => {
  let session: Session;

  beforeEach(async () => {
    await running();
    session = new Session();
  });

  afterEach(async () => {
    await vscode.debug.stopDebugging().then(undefined, () => undefined); // it may be ending by itself
    const isOver = (): true | undefined => (vscode.debug.activeDebugSession === undefined ? true : undefined);
    await until(isOver, vscode.debug.onDidChangeActiveDebugSession);
    vscode.debug.removeBreakpoints(vscode.debug.breakpoints);
    session.dispose();
  });

  for (const name of ["shop.lua", "shop.js"]) {
    it(`stops in ${name}, tells what is there, and goes on with what was changed`, async () => {
      vscode.debug.addBreakpoints([at(name, 6, "sum > 1"), at(name, 8, undefined, "it makes {sum}"), at(name, 13)]);
      await shown(name);
      await vscode.commands.executeCommand("llmspell.debug");
      const [inner, outer] = await session.stack();
      assert.ok(inner && outer);
      assert.match(inner.name, /total/);
      assert.equal(inner.line, 6);
      assert.ok(inner.source?.path?.endsWith(file(name).path), inner.source?.path);
      assert.equal(outer.line, 12);
      const scopes = await session.scopes(inner);
      const locals = new Map([...scopes.values()].flat().map((each) => [each.name, each.value]));
      assert.deepEqual([locals.get("sum"), locals.get("price")], ["2", "3"]);
      const told = await session.ask<Variable>("evaluate", { expression: "sum + price", frameId: inner.id, context: "watch" });
      assert.equal(told.result, "5");
      await session.ask("evaluate", { expression: "sum = 100", frameId: inner.id, context: "repl" });
      vscode.debug.removeBreakpoints(vscode.debug.breakpoints.slice(0, 1));
      await vscode.commands.executeCommand("workbench.action.debug.continue");
      const [last] = await session.stack();
      assert.equal(last?.line, 13);
      await vscode.commands.executeCommand("workbench.action.debug.continue");
      await session.next("terminated");
      assert.match(session.printed, /it makes 108[\s\S]*It is 108/);
      const { runs } = await running();
      await runs.refresh();
      assert.equal(runs.list[0]?.label, name);
    });
  }

  it("stops at an error that nothing catches, and says which", async () => {
    await shown("failing.lua");
    await vscode.commands.executeCommand("llmspell.debug");
    const { reason, threadId } = await session.next("stopped");
    assert.equal(reason, "exception");
    const told = await session.ask<{ description?: string }>("exceptionInfo", { threadId });
    assert.match(told.description ?? "", /no such luck/);
    const { stackFrames } = await session.ask<{ stackFrames: Frame[] }>("stackTrace", { threadId });
    assert.equal(stackFrames[0]?.line, 2);
    await vscode.commands.executeCommand("workbench.action.debug.continue");
    const { exitCode } = await session.next("exited");
    assert.notEqual(exitCode, 0);
  });

  it("stops at the first line where that is wished, with what the launch gives", async () => {
    await shown("shop.lua");
    const launch = {
      type: "llmspell",
      request: "launch",
      name: "With params",
      program: "${file}",
      stopOnEntry: true,
      params: { topic: "tea" },
      options: ["--param", "count=3"],
    };
    await vscode.debug.startDebugging(vscode.workspace.workspaceFolders?.[0], launch);
    const [first] = await session.stack();
    assert.equal(first?.line, 1);
    const evaluate = { expression: "params.topic .. params.count", frameId: first?.id, context: "repl" };
    assert.match((await session.ask<Variable>("evaluate", evaluate)).result ?? "", /tea3/);
  });
});
