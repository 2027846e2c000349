/** What a person can ask for. Each command that starts something asks the installation first, which knows about trust. */

import * as path from "node:path";
import * as vscode from "vscode";

import type { Debugging } from "./debugging";
import type { Installation } from "./installation";
import { newSpell } from "./newSpell";
import { openDocument } from "./open";
import type { Projects } from "./projects";
import type { Server } from "./server";
import { home, made, relative, terminal, type Definition, type Home } from "./tasks";
import { documentUri } from "./trace/documents";
import type { Run } from "./trace/model";
import type { Runs } from "./trace/runs";
import type { Node } from "./trace/tree";
import type { Waterfalls } from "./trace/waterfall";

export interface Parts {
  readonly projects: Projects;
  readonly installation: Installation;
  readonly server: Server;
  readonly runs: Runs;
  readonly waterfalls: Waterfalls;
  readonly debugging: Debugging;
}

/** A file as a code lens, the explorer, the title button or nobody names it. */
type Named = string | vscode.Uri | undefined;

export function registerCommands(parts: Parts): vscode.Disposable {
  const { server, installation, runs } = parts;
  const commands: Record<string, (...given: never[]) => unknown> = {
    run: (file: Named) => run(parts, file),
    debug: (file: Named) => debug(parts, file),
    dev: (file: Named) => dev(parts, file),
    openTrace: (subject: Named | Node) => openTrace(parts, subject),
    replay: (node: Node | undefined) => replay(parts, node),
    inspect: (id: string, span: number, column?: vscode.ViewColumn) => inspect(runs, id, span, column),
    goToPlace: (node: Node) => goToPlace(node),
    refreshRuns: () => runs.refresh(),
    newSpell: () => newSpell(parts),
    doctor: () => doctor(parts),
    install: () => installation.install(),
    restart: async () => ((await installation.trusted()) ? installation.forget() : undefined),
    showLog: () => server.log.show(),
    menu: () => menu(installation),
  };
  const registered = Object.entries(commands).map(([name, work]) =>
    vscode.commands.registerCommand(`llmspell.${name}`, async (...given: never[]) => {
      try {
        return await work(...given);
      } catch (error) {
        void vscode.window.showErrorMessage(`llmspell: ${error instanceof Error ? error.message : String(error)}`);
        return undefined;
      }
    }),
  );
  return vscode.Disposable.from(...registered);
}

async function run(parts: Parts, named: Named): Promise<void> {
  const file = await saved(named);
  if (file !== undefined) {
    const args = runArguments(file);
    await task(parts, { type: "llmspell", command: "run", file: file.fsPath, args }, home(file));
  }
}

async function debug(parts: Parts, named: Named): Promise<void> {
  const file = await saved(named);
  if (file !== undefined && (await parts.installation.wanted()) !== undefined) {
    await parts.debugging.start(file, runArguments(file));
  }
}

async function dev(parts: Parts, named: Named): Promise<void> {
  const file = await saved(named);
  const program = file === undefined ? undefined : await parts.installation.wanted();
  if (file !== undefined && program !== undefined) {
    const { cwd } = home(file);
    const spell = relative(file.fsPath, cwd);
    terminal(program, `dev ${spell}`, ["dev", spell], cwd);
  }
}

/** Of the first project: its settings are looked at. */
async function doctor(parts: Parts): Promise<void> {
  const [root] = parts.projects.roots;
  const where: Home = root === undefined ? home() : { cwd: root.fsPath, scope: vscode.TaskScope.Workspace };
  await task(parts, { type: "llmspell", command: "doctor" }, where);
}

/** A code lens names the file of a stored run, whose name is the run's id. */
async function openTrace(parts: Parts, subject: Named | Node): Promise<void> {
  if ((await parts.installation.wanted()) === undefined) {
    return;
  }
  const chosen = isNode(subject) ? subject.run : typeof subject === "string" ? await stored(parts, subject) : await picked(parts);
  if (chosen !== undefined) {
    await parts.waterfalls.open(chosen);
  }
}

async function replay(parts: Parts, node: Node | undefined): Promise<void> {
  if ((await parts.installation.wanted()) === undefined) {
    return;
  }
  const chosen = isNode(node) ? node.run : await picked(parts);
  if (chosen !== undefined) {
    const args = ["--replay", chosen.id];
    const definition: Definition = { type: "llmspell", command: "run", file: chosen.spell, args };
    await task(parts, definition, home(vscode.Uri.file(chosen.spell)));
  }
}

async function stored(parts: Parts, file: string): Promise<Run> {
  const found = await parts.runs.stored(file);
  if (found === undefined) {
    throw new Error(`there is no run ${path.basename(file, ".db")} any more`);
  }
  return found;
}

async function picked(parts: Parts): Promise<Run | undefined> {
  await parts.runs.refresh();
  const items = parts.runs.list.map((run) => {
    const when = new Date(run.started).toLocaleString();
    return { label: run.label, description: `${run.status} · ${when}`, detail: run.id, run };
  });
  if (items.length === 0) {
    throw new Error("nothing has run here yet");
  }
  return (await vscode.window.showQuickPick(items, { placeHolder: "Which run?", matchOnDetail: true }))?.run;
}

async function inspect(runs: Runs, id: string, number: number, viewColumn = vscode.ViewColumn.Active): Promise<void> {
  const span = (await runs.trace(id)).spans.get(number);
  if (span !== undefined) {
    const document = await vscode.workspace.openTextDocument(documentUri(id, span));
    await vscode.window.showTextDocument(document, { preview: true, preserveFocus: true, viewColumn });
  }
}

async function goToPlace(node: Node): Promise<void> {
  const site = isNode(node) && "span" in node ? /^(.*):(\d+)$/.exec(node.span.site) : null;
  if (site !== null) {
    const [, file = "", line = "1"] = site;
    const { spell, label } = node.run;
    // A run names files as its spell was named when it was started: from the same folder.
    const folder = spell.endsWith(`${path.sep}${label}`) ? spell.slice(0, -label.length) : path.dirname(spell);
    const at = new vscode.Position(Number(line) - 1, 0);
    const place = vscode.Uri.file(path.resolve(folder, file));
    await vscode.window.showTextDocument(place, { selection: new vscode.Range(at, at) });
  }
}

async function task(parts: Parts, definition: Definition, where: Home): Promise<void> {
  const program = await parts.installation.wanted();
  if (program !== undefined) {
    await vscode.tasks.executeTask(made(program, definition, where));
  }
}

async function menu(installation: Installation): Promise<void> {
  const { isTrusted } = vscode.workspace;
  const isMissing = isTrusted && (await installation.program()) === undefined;
  const items: { label: string; command: string; argument?: string }[] = [
    ...(isTrusted ? [] : [{ label: "$(shield) Manage trust in this folder", command: "workbench.trust.manage" }]),
    ...(isMissing ? [{ label: "$(cloud-download) Install llmspell into .venv", command: "llmspell.install" }] : []),
    { label: "$(debug-restart) Restart the language server", command: "llmspell.restart" },
    { label: "$(output) Show its log", command: "llmspell.showLog" },
    { label: "$(pulse) Doctor: what works on this machine", command: "llmspell.doctor" },
    { label: "$(list-tree) Runs", command: "llmspell.runs.focus" },
    { label: "$(gear) Settings", command: "workbench.action.openSettings", argument: "@ext:llmspell.llmspell" },
  ];
  const chosen = await vscode.window.showQuickPick(items, { placeHolder: "llmspell" });
  if (chosen !== undefined) {
    await vscode.commands.executeCommand(chosen.command, ...(chosen.argument === undefined ? [] : [chosen.argument]));
  }
}

/** The spell that is meant, written to disk; undefined where it could not be, which the editor has said. */
async function saved(named: Named): Promise<vscode.Uri | undefined> {
  const meant = typeof named === "string" ? vscode.Uri.file(named) : (named ?? openDocument()?.uri);
  const document = vscode.workspace.textDocuments.find((each) => each.uri.toString() === meant?.toString());
  const isDraft = document?.isUntitled === true && ["lua", "javascript"].includes(document.languageId);
  const file = document?.isDirty === true && (isDraft || isScript(meant)) ? await vscode.workspace.save(document.uri) : meant;
  if (file !== undefined ? !isScript(file) : document === undefined) {
    throw new Error("open a spell first: a .lua or .js file");
  }
  return file;
}

function isScript(file: vscode.Uri | undefined): boolean {
  return file?.scheme === "file" && /\.(lua|m?js)$/.test(file.fsPath);
}

function runArguments(file: vscode.Uri): string[] {
  return vscode.workspace.getConfiguration("llmspell", file).get<string[]>("run.arguments", []);
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "run" in value;
}
