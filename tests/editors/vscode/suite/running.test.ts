/** Spells run as tasks, their errors land in Problems, and their traces can be read. */

import * as assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import * as vscode from "vscode";

import { output } from "../../../../editors/vscode/src/program";
import { described } from "../../../../editors/vscode/src/trace/documents";
import { RunsFolder } from "../../../../editors/vscode/src/trace/folder";
import type { Event } from "../../../../editors/vscode/src/trace/model";
import { picture } from "../../../../editors/vscode/src/trace/waterfall";
import { diagnostics, file, folder, running, shown, until } from "./waiting";

/** Runs a command and gives the exit code of the task that it starts. */
async function ended(command: string, ...args: unknown[]): Promise<number | undefined> {
  const end = new Promise<number | undefined>((resolve) => {
    const subscription = vscode.tasks.onDidEndTaskProcess((event) => {
      subscription.dispose();
      resolve(event.exitCode);
    });
  });
  await vscode.commands.executeCommand(command, ...args);
  return end;
}

describe("a run", () => {
  it("is a task that a command starts, and is in the list afterwards", async () => {
    const { runs } = await running();
    assert.equal(await ended("llmspell.run", file("tools.lua")), 0);
    await runs.refresh();
    const [newest] = runs.list;
    assert.match(runs.complaint, /unknown setting limits\.cpu_secs/, "of the project with broken settings");
    assert.equal(newest?.label, "tools.lua");
    assert.equal(newest?.status, "ok");
  });

  it("has a tree with agents, models and tools, and documents of what they were asked", async () => {
    const { runs, tree } = await running();
    const [newest] = await tree.getChildren();
    assert.ok(newest);
    const below = await tree.getChildren(newest);
    const agent = below.find((node) => "span" in node && node.span.kind === "agent");
    assert.ok(agent);
    const calls = await tree.getChildren(agent);
    const kinds = calls.map((node) => ("span" in node ? node.span.kind : ""));
    assert.deepEqual(kinds, ["model", "tool", "model"]);
    const [model, tool] = calls;
    assert.ok(model && "span" in model && tool && "span" in tool);
    await vscode.commands.executeCommand("llmspell.inspect", newest.run.id, model.span.number);
    const prompt = vscode.window.activeTextEditor?.document.getText() ?? "";
    assert.match(prompt, /## Prompt[\s\S]*### system[\s\S]*### user[\s\S]*What is 15% of 2500\?/);
    await vscode.commands.executeCommand("llmspell.inspect", newest.run.id, tool.span.number);
    const called = vscode.window.activeTextEditor?.document.getText() ?? "";
    assert.match(called, /## Arguments[\s\S]*"expression": "15% of 2500"[\s\S]*## Answer[\s\S]*375/);
    const drawn = picture(newest.run, await runs.trace(newest.run.id));
    assert.equal(drawn.bars[0]?.kind, "spell");
    assert.ok(drawn.bars.every((bar) => bar.from >= 0 && bar.to >= bar.from && bar.to <= drawn.length));
    assert.equal(Math.max(...drawn.bars.map((bar) => bar.depth)), 2);
  });

  it("took as long in its line, its drawing and its lens as `llmspell trace` says", async () => {
    const { runs, tree, installation } = await running();
    const [newest] = await tree.getChildren();
    const program = await installation.program();
    assert.ok(newest && program);
    const said = await output(program.path, ["trace", "show", newest.run.id], folder());
    const took = /spell tools\.lua +([\d.]+ m?s) /.exec(said)?.[1] ?? said;
    assert.match(String(tree.getTreeItem(newest).description), new RegExp(` · ${took} · `));
    assert.match(picture(newest.run, await runs.trace(newest.run.id)).bars[0]?.told ?? "", new RegExp(`^${took}`));
    await shown("tools.lua");
    let title: string | undefined;
    while (title === undefined) { // the server has read the run a moment after it has ended
      const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>("vscode.executeCodeLensProvider", file("tools.lua"));
      title = lenses.map((each) => each.command?.title ?? "").find((each) => each.startsWith("last run"));
    }
    assert.match(title, new RegExp(`^last run ${took} · `));
  });

  it("leads to the lines it came from, and is drawn over time from its lens", async () => {
    const { tree } = await running();
    const [newest] = await tree.getChildren();
    assert.ok(newest);
    const agent = (await tree.getChildren(newest)).find((node) => "span" in node && node.span.kind === "agent");
    await vscode.commands.executeCommand("llmspell.goToPlace", agent);
    const editor = vscode.window.activeTextEditor;
    assert.equal(editor?.document.uri.fsPath, file("tools.lua").fsPath);
    assert.match(editor.document.lineAt(editor.selection.active.line).text, /agent:chat\("What is 15% of 2500\?"\)/);
    await vscode.commands.executeCommand("llmspell.openTrace", `runs/${newest.run.id}.db`);
    const labels = (): string[] => vscode.window.tabGroups.all.flatMap((group) => group.tabs.map((tab) => tab.label));
    await until(() => (labels().includes("Trace tools.lua") ? true : undefined), vscode.window.tabGroups.onDidChangeTabs);
  });

  it("tells the prompt that was sent, as hooks left it, and its answer", () => {
    const at = { time: 0, span: 2, parent: 1, name: "gpt", site: "a.lua:1" };
    const asking = (content: string) => ({ request: { model: "gpt", messages: [{ role: "user", content }] } });
    const events: Event[] = [
      { ...at, seq: 1, kind: "llm_call_started", phase: "start", data: asking("I am ada@example.com") },
      { ...at, seq: 2, kind: "llm_call_completed", phase: "end", data: { ...asking("I am [e-mail]"), response: "Hello" } },
    ];
    const facts = { number: 2, parent: 1, kind: "model", name: "gpt", site: "a.lua:1", status: "ok", cost: 0 };
    const text = described({ ...facts, started: 0, ended: 1, tokens: 2, events, children: [] }, "ok");
    assert.match(text, /## Prompt[\s\S]*I am \[e-mail\][\s\S]*Hello/);
    assert.doesNotMatch(text, /ada@/);
    assert.equal(text.split("## Prompt").length, 2);
  });

  it("that was killed is not under way for ever", async () => {
    const { tree } = await running();
    const [newest] = await tree.getChildren();
    const [agent] = await tree.getChildren(newest);
    assert.ok(newest && agent && "span" in agent);
    const span = { ...agent.span, ended: null, status: "running" };
    const item = (status: string): vscode.TreeItem => tree.getTreeItem({ run: { ...newest.run, status }, span });
    assert.match(String(item("running").description), /^agent · .*running$/);
    assert.match(String(item("lost").description), /^agent · .*lost$/);
    assert.notEqual((item("lost").iconPath as vscode.ThemeIcon).id, (item("running").iconPath as vscode.ThemeIcon).id);
  });

  it("can be replayed", async () => {
    const { runs, tree } = await running();
    const [newest] = await tree.getChildren();
    assert.equal(await ended("llmspell.replay", newest), 0);
    await runs.refresh();
    assert.equal(runs.list.length, 2);
  });

  it("is not asked for twice at a time, and what is removed is forgotten", async () => {
    const { runs, installation } = await running();
    await runs.show(false);
    const [newest] = runs.list;
    const program = await installation.program();
    assert.ok(newest && program);
    await runs.trace(newest.id);
    await output(program.path, ["trace", "rm", newest.id], folder());
    let told = 0;
    const subscription = runs.onDidChangeList(() => told++);
    await Promise.all([runs.refresh(), runs.refresh(), runs.refresh()]);
    const first = runs.refresh();
    await new Promise(setImmediate); // it has begun
    await Promise.all([first, runs.refresh(), runs.refresh()]);
    subscription.dispose();
    assert.equal(told, 3, "together, then one, and one for what came while that was under way");
    assert.equal(runs.get(newest.id), undefined);
    assert.equal(runs.peek(newest.id), undefined);
  });

  it("is told of at a pace that can be drawn, however fast it grows", async () => {
    const { runs } = await running();
    await runs.show(true);
    const times: number[] = [];
    const subscription = runs.onDidChangeTrace(() => times.push(performance.now()));
    assert.equal(await ended("llmspell.run", file("many.lua")), 0);
    await runs.refresh();
    const newest = runs.list[0];
    assert.equal(newest?.label, "many.lua");
    const trace = await runs.trace(newest.id);
    await until(() => (trace.roots[0]?.ended ? true : undefined), runs.onDidChangeTrace);
    subscription.dispose();
    assert.equal(trace.roots[0]?.events.filter((each) => each.kind === "output").length, 600);
    const took = (times.at(-1) ?? 0) - (times[0] ?? 0);
    assert.ok(times.length <= 3 + took / 90, `${times.length} in ${took} ms`);
  });

  it("that fails puts its error into Problems, at its line", async () => {
    await running();
    assert.notEqual(await ended("llmspell.run", file("failing.lua").fsPath), 0);
    const found = await diagnostics(file("failing.lua"), (each) => each.some((one) => one.source === "llmspell run"));
    const problem = found.find((one) => one.source === "llmspell run");
    assert.equal(problem?.range.start.line, 1);
    assert.match(problem?.message ?? "", /no such luck/);
    await diagnostics(file("mistaken.lua"), (each) => each.some((one) => one.source === "llmspell"));
  });

  it("names the files of a project inside of the folder so that they are found", async () => {
    const { runs, tree } = await running();
    assert.notEqual(await ended("llmspell.run", file("inner/parts/orders.js")), 0);
    const found = await diagnostics(file("inner/parts/breaks.js"), (each) => each.some((one) => one.source === "llmspell run"));
    assert.deepEqual(found.map((each) => each.range.start.line), [1]);
    await runs.refresh();
    const [newest] = await tree.getChildren();
    assert.equal(newest?.run.label, "inner/parts/orders.js");
    const [agent] = await tree.getChildren(newest);
    await vscode.commands.executeCommand("llmspell.goToPlace", agent);
    const editor = vscode.window.activeTextEditor;
    assert.equal(editor?.document.uri.fsPath, file("inner/parts/orders.js").fsPath);
    assert.match(editor.document.lineAt(editor.selection.active.line).text, /clerk\.chat/);
  });

  it("can be looked at by its file, wherever its spell is", async () => {
    const { runs, installation } = await running();
    const program = await installation.program();
    assert.ok(program);
    const place = mkdtempSync(path.join(tmpdir(), "llmspell-elsewhere-"));
    writeFileSync(path.join(place, "far.lua"), 'print("far away")\n');
    await output(program.path, ["run", "far.lua"], place);
    rmSync(place, { recursive: true });
    const store = path.join(process.env["XDG_STATE_HOME"] ?? "", "llmspell/runs");
    const [file] = readdirSync(store).filter((each) => each.endsWith(".db"));
    const run = await runs.stored(path.join(store, file ?? ""));
    assert.equal(run?.label, "far.lua");
    assert.ok(!runs.list.some((each) => each.id === run.id), "it is not of this workspace");
    assert.equal((await runs.trace(run.id)).roots[0]?.name, "far.lua");
    assert.equal(await runs.stored(path.join(store, "none.db")), undefined);
  });

  it("is noticed wherever its folder comes from, and goes to", async () => {
    const place = mkdtempSync(path.join(tmpdir(), "llmspell-watched-"));
    const runs = path.join(place, ".llmspell/runs");
    const more = new vscode.EventEmitter<void>();
    let told = 0;
    const folder = new RunsFolder(runs, () => {
      told++;
      more.fire();
    });
    const tells = async (work: () => void): Promise<void> => {
      const before = told;
      work();
      await until(() => (told > before ? true : undefined), more.event);
    };
    const begins = (name: string): Promise<void> => tells(() => writeFileSync(path.join(runs, name), ""));
    for (const name of ["one.db", "two.db"]) {
      await tells(() => mkdirSync(runs, { recursive: true }));
      await begins(name);
      await tells(() => rmSync(path.join(place, ".llmspell"), { recursive: true }));
    }
    folder.dispose();
    rmSync(place, { recursive: true });
  });

  it("is validated by a task of the project", async () => {
    await running();
    await shown("spell.lua");
    const tasks = await vscode.tasks.fetchTasks({ type: "llmspell" });
    const names = tasks.map((each) => each.name);
    assert.ok(names.includes("validate ."), names.join(", "));
    const validate = tasks.find((each) => each.name === "validate .");
    assert.ok(validate);
    const end = new Promise<number | undefined>((resolve) => {
      const subscription = vscode.tasks.onDidEndTaskProcess((event) => {
        subscription.dispose();
        resolve(event.exitCode);
      });
    });
    await vscode.tasks.executeTask(validate);
    assert.equal(await end, 1);
    const found = await diagnostics(file("mistaken.lua"), (each) => each.some((one) => one.source === "llmspell validate"));
    const problem = found.find((one) => one.source === "llmspell validate");
    assert.deepEqual([problem?.range.start.line, problem?.code, problem?.severity], [0, "unknown-option", vscode.DiagnosticSeverity.Error]);
  });

  it("can be watched in the terminal interface, and llmspell looked over", async () => {
    await running();
    assert.equal(await ended("llmspell.doctor"), 0);
    await vscode.commands.executeCommand("llmspell.dev", file("spell.lua"));
    const terminal = vscode.window.terminals.find((each) => each.name === "dev spell.lua");
    const options = terminal?.creationOptions as vscode.TerminalOptions | undefined;
    assert.deepEqual(options?.shellArgs, ["dev", "spell.lua"]);
    assert.ok(((await terminal?.processId) ?? 0) > 0);
    const closed = new Promise((resolve) => vscode.window.onDidCloseTerminal(resolve));
    terminal?.dispose();
    await closed;
  });

  it("grows in the tree while it runs", async () => {
    const { runs } = await running();
    await runs.show(true);
    const seen: string[] = [];
    const grown = new Promise<void>((resolve) => {
      const subscription = runs.onDidChangeTrace((id) => {
        const trace = runs.peek(id);
        const open = [...(trace?.spans.values() ?? [])].filter((span) => span.ended === null);
        seen.push(open.map((span) => span.kind).join(" "));
        if (open.some((span) => span.kind === "model")) {
          subscription.dispose();
          resolve();
        }
      });
    });
    const end = ended("llmspell.run", file("slow.lua"));
    await grown;
    assert.ok(seen.length > 0);
    assert.equal(await end, 0);
  });

  it("is of the spell that is open, also while the focus is in the output below it", async () => {
    await running();
    await shown("tools.lua");
    const isFocused = until(() => (vscode.window.activeTextEditor?.document.uri.scheme === "output" ? true : undefined), vscode.window.onDidChangeActiveTextEditor);
    await vscode.commands.executeCommand("llmspell.showLog");
    await vscode.commands.executeCommand("workbench.panel.output.focus");
    await isFocused;
    assert.equal(await ended("llmspell.run"), 0);
    await shown("tools.lua");
  });
});
