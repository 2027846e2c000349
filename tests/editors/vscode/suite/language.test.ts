/** The language server is found, started, and answers through the editor. */

import * as assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import * as vscode from "vscode";

import { api, diagnostics, file, running, shown, until } from "./waiting";

describe("the language server", () => {
  it("is found, and says which mistakes a spell has", async () => {
    const { installation, startup } = await api();
    const took = await startup.firstDiagnostics;
    const found = await diagnostics(file("mistaken.lua"), (each) => each.length > 0);
    assert.match(found[0]?.message ?? "", /unknown option 'nme'.*did you mean 'name'/);
    assert.equal(found[0]?.source, "llmspell");
    const { server } = await running();
    assert.equal((await installation.program())?.version, server.version);
    const [extension, language] = [resident([process.pid]), resident(family(serverProcess()))];
    console.log(`      activation to first diagnostics: ${took} ms`);
    console.log(`      memory: extension host with all extensions ${extension} MB, language server ${language} MB`);
    assert.ok(took < 10_000, `${took} ms`);
    assert.ok(language > 1 && language < 400, `${language} MB`);
  });

  it("repairs a misspelled option", async () => {
    const editor = await shown("mistaken.lua");
    const [problem] = await diagnostics(editor.document.uri, (each) => each.length > 0);
    assert.ok(problem);
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
      "vscode.executeCodeActionProvider",
      editor.document.uri,
      problem.range,
      undefined,
      10, // the edit is made when the action is looked at
    );
    const fix = actions.find((each) => each.title === "Change to 'name'");
    assert.ok(fix?.edit, `of ${actions.map((each) => each.title).join(", ")}`);
    await vscode.workspace.applyEdit(fix.edit);
    assert.match(editor.document.getText(), /name = "x"/);
    await diagnostics(editor.document.uri, (each) => each.length === 0);
    await vscode.commands.executeCommand("workbench.action.files.revert");
  });

  it("completes options in both languages", async () => {
    await running();
    for (const [name, marker, given] of [
      ["spell.lua", "  name", "system_prompt"],
      ["greet.js", "  name", "systemPrompt"],
    ] as const) {
      const editor = await shown(name);
      const at = editor.document.positionAt(editor.document.getText().indexOf(marker));
      const list = await vscode.commands.executeCommand<vscode.CompletionList>(
        "vscode.executeCompletionItemProvider",
        editor.document.uri,
        at,
      );
      // The editor's own offer of words that stand in the file is of the kind Text.
      const ours = list.items.filter((each) => each.kind !== vscode.CompletionItemKind.Text);
      const labels = ours.map((each) => (typeof each.label === "string" ? each.label : each.label.label));
      assert.ok(labels.includes("temperature"), `${name}: ${labels.slice(0, 30).join(", ")}`);
      assert.ok(!labels.includes(given), `${name}: ${given} is given already`);
    }
  });

  it("renames a local name everywhere", async () => {
    await running();
    const editor = await shown("spell.lua");
    const at = editor.document.positionAt(editor.document.getText().indexOf("greeter = Agent"));
    const edit = await vscode.commands.executeCommand<vscode.WorkspaceEdit>(
      "vscode.executeDocumentRenameProvider",
      editor.document.uri,
      at,
      "host",
    );
    assert.equal(edit.get(editor.document.uri).length, 2);
  });

  it("puts Run and Debug above a spell, and no command that the extension does not have", async () => {
    await running();
    const editor = await shown("spell.lua");
    const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>(
      "vscode.executeCodeLensProvider",
      editor.document.uri,
    );
    for (const name of ["llmspell.run", "llmspell.debug"]) {
      const lens = lenses.find((each) => each.command?.command === name);
      assert.deepEqual(lens?.command?.arguments, [editor.document.uri.fsPath], name);
    }
    const known = new Set(await vscode.commands.getCommands(true));
    const unknown = lenses.map((each) => each.command?.command ?? "").filter((name) => name !== "" && !known.has(name));
    assert.deepEqual(unknown, []);
  });

  it("says what is wrong in llmspell.toml and replies.json", async () => {
    await running();
    await shown("wrong/llmspell.toml");
    const settings = await diagnostics(file("wrong/llmspell.toml"), (each) => each.length > 0);
    assert.match(settings[0]?.message ?? "", /cpu_secs/);
    await shown("wrong/replies.json");
    const replies = await diagnostics(file("wrong/replies.json"), (each) => each.length > 0);
    assert.equal(replies.length, 1);
    assert.match(replies[0]?.message ?? "", /mtch/);
  });

  it("completes keys of llmspell.toml", async () => {
    await running();
    const editor = await shown("llmspell.toml");
    const at = editor.document.positionAt(editor.document.getText().indexOf("max_calls"));
    const list = await vscode.commands.executeCommand<vscode.CompletionList>(
      "vscode.executeCompletionItemProvider",
      editor.document.uri,
      at,
    );
    const labels = list.items.map((each) => (typeof each.label === "string" ? each.label : each.label.label));
    assert.ok(labels.includes("max_cost"), labels.join(", "));
    assert.equal(editor.document.languageId, "toml");
  });

  it("colours by meaning, in both languages", async () => {
    await running();
    for (const name of ["spell.lua", "greet.js"]) {
      const { uri } = (await shown(name)).document;
      const legend = await vscode.commands.executeCommand<vscode.SemanticTokensLegend>(
        "vscode.provideDocumentSemanticTokensLegend",
        uri,
      );
      const { data } = await vscode.commands.executeCommand<vscode.SemanticTokens>("vscode.provideDocumentSemanticTokens", uri);
      const kinds = new Set<string | undefined>();
      for (let at = 3; at < data.length; at += 5) {
        kinds.add(legend.tokenTypes[data[at] ?? -1]);
      }
      for (const kind of ["class", "property", "method", "variable"]) {
        assert.ok(kinds.has(kind), `${name}: ${[...kinds].join(", ")}`);
      }
    }
  });

  it("is not needed for what replies.json may hold", async () => {
    const editor = await shown("wrong/replies.json");
    const at = editor.document.positionAt(editor.document.getText().indexOf("mtch"));
    const list = await vscode.commands.executeCommand<vscode.CompletionList>(
      "vscode.executeCompletionItemProvider",
      editor.document.uri,
      at,
    );
    const labels = list.items.map((each) => (typeof each.label === "string" ? each.label : each.label.label));
    assert.ok(labels.includes("tool_calls"), labels.join(", "));
  });

  it("leaves Lua alone that is no spell", async () => {
    const { projects } = await running();
    const document = await vscode.workspace.openTextDocument({ language: "lua", content: "vim.opt.number = true" });
    assert.equal(projects.isSpell(document), false);
    assert.deepEqual(vscode.languages.getDiagnostics(document.uri), []);
  });

  it("is alone in JavaScript that is a spell's, and has no part in other", async () => {
    await running();
    const hovers = (uri: vscode.Uri, at: vscode.Position): Thenable<vscode.Hover[]> =>
      vscode.commands.executeCommand<vscode.Hover[]>("vscode.executeHoverProvider", uri, at);
    const place = mkdtempSync(path.join(tmpdir(), "llmspell-other-"));
    const other = vscode.Uri.file(path.join(place, "other.js"));
    writeFileSync(other.fsPath, "const name = 1;\n");
    await vscode.window.showTextDocument(other);
    const [plain, ...more] = await hovers(other, new vscode.Position(0, 7));
    rmSync(place, { recursive: true });
    assert.match(said(plain), /const name: 1/, "what TypeScript's server says");
    assert.deepEqual(more, []);
    const { document } = await shown("greet.js");
    const at = document.positionAt(document.getText().indexOf("greeter ="));
    const isLoading = (hover: vscode.Hover): boolean => said(hover).includes("(loading...)");
    let all = await hovers(document.uri, at);
    while (all.some(isLoading)) {
      // Until TypeScript's server has read the folder, a smaller one answers for it that takes no plugins.
      all = await hovers(document.uri, at);
    }
    const [ours, ...others] = all;
    assert.match(said(ours), /greeter/);
    assert.deepEqual(others.map(said), []);
  });

  it("is another process after a restart", async () => {
    const { server } = await running();
    const before = serverProcess();
    const changed = new Promise<void>((resolve) => {
      const subscription = server.onDidChange((condition) => {
        if (condition === "running") {
          subscription.dispose();
          resolve();
        }
      });
    });
    await vscode.commands.executeCommand("llmspell.restart");
    await changed;
    assert.notEqual(serverProcess(), before);
  });

  it("is started anew when it dies, until it has died too often; then a person does so", async () => {
    const { server } = await running();
    for (let deaths = 1; deaths <= 5; deaths++) {
      const isDead = until(() => (server.condition === "running" ? undefined : true), server.onDidChange);
      process.kill(serverProcess(), "SIGKILL");
      await isDead;
      if (deaths < 5) {
        await running();
      }
    }
    assert.equal(server.condition, "stopped");
    assert.equal(server.version, undefined);
    await shown("inner/parts/orders.js"); // which would start it, had it never run
    assert.deepEqual([server.condition, server.isWanted], ["stopped", true]);
    await vscode.commands.executeCommand("llmspell.restart");
    await running();
  });

  it("ends with the last project, and begins with the first", async () => {
    const { server, projects } = await running();
    await vscode.commands.executeCommand("workbench.action.closeAllEditors");
    const settings = projects.roots.map((root) => vscode.Uri.joinPath(root, "llmspell.toml"));
    assert.equal(settings.length, 3);
    const isStopped = until(() => (server.condition === "stopped" && projects.roots.length === 0 ? true : undefined), server.onDidChange);
    for (const each of settings) {
      await vscode.workspace.fs.rename(each, each.with({ path: `${each.path}.aside` }));
    }
    await isStopped;
    for (const each of settings) {
      await vscode.workspace.fs.rename(each.with({ path: `${each.path}.aside` }), each);
    }
    await until(() => (projects.roots.length === 3 ? true : undefined), projects.onDidChange);
    await running();
  });
});

function said(hover: vscode.Hover | undefined): string {
  return (hover?.contents ?? []).map((each) => (typeof each === "string" ? each : each.value)).join("\n");
}

/** The child of the extension host that is the server. */
function serverProcess(): number {
  const listed = execFileSync("ps", ["-o", "pid=,args=", "--ppid", String(process.pid)], { encoding: "utf8" });
  const line = listed.split("\n").find((each) => / lsp\b/.test(each));
  assert.ok(line, `a server among\n${listed}`);
  return Number.parseInt(line, 10);
}

/** A process and those below it. */
function family(pid: number): number[] {
  const listed = execFileSync("ps", ["-e", "-o", "pid=,ppid="], { encoding: "utf8" });
  const pairs = listed.trim().split("\n").map((each) => each.trim().split(/\s+/).map(Number));
  const below = (parent: number): number[] => {
    return [parent, ...pairs.filter(([, of]) => of === parent).flatMap(([child]) => below(child ?? 0))];
  };
  return below(pid);
}

/** Megabytes. */
function resident(processes: readonly number[]): number {
  const kilobytes = processes.map((pid) => {
    try {
      return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
    } catch {
      return 0; // It has ended since it was listed: the `ps` itself.
    }
  });
  return Math.round(kilobytes.reduce((sum, each) => sum + each, 0) / 1024);
}
