/** Spells as tasks: what Run and Replay start, and what `tasks.json` may name. Knows command lines, no trace. */

import * as os from "node:os";
import * as path from "node:path";
import * as vscode from "vscode";

import type { Installation } from "./installation";
import { openDocument } from "./open";
import type { Program } from "./program";
import type { Projects } from "./projects";

export interface Definition extends vscode.TaskDefinition {
  readonly type: "llmspell";
  readonly command: "run" | "validate" | "doctor";
  /** A spell, or for `validate` a folder; relative to the workspace folder. */
  readonly file?: string;
  readonly args?: readonly string[];
}

const MATCHERS: Record<Definition["command"], string[]> = {
  run: ["$llmspell-run"],
  validate: ["$llmspell"],
  doctor: [],
};

export class SpellTasks implements vscode.TaskProvider, vscode.Disposable {
  private readonly registration = vscode.tasks.registerTaskProvider("llmspell", this);

  constructor(
    private readonly projects: Projects,
    private readonly installation: Installation,
  ) {}

  async provideTasks(): Promise<vscode.Task[]> {
    const program = await this.installation.program();
    if (program === undefined) {
      return [];
    }
    const tasks = this.projects.parts.map((part) => {
      return made(program, { type: "llmspell", command: "validate", file: part.fsPath }, home(part));
    });
    const document = openDocument();
    if (document !== undefined && this.projects.isSpell(document)) {
      tasks.push(made(program, { type: "llmspell", command: "run", file: document.uri.fsPath }, home(document.uri)));
    }
    return tasks;
  }

  async resolveTask(task: vscode.Task): Promise<vscode.Task | undefined> {
    const program = await this.installation.program();
    const folder = typeof task.scope === "object" ? task.scope : vscode.workspace.workspaceFolders?.[0];
    if (program === undefined || folder === undefined || !(String(task.definition["command"]) in MATCHERS)) {
      return undefined;
    }
    return made(program, task.definition as Definition, { cwd: folder.uri.fsPath, scope: task.scope ?? folder });
  }

  dispose(): void {
    this.registration.dispose();
  }
}

export interface Home {
  readonly cwd: string;
  readonly scope: vscode.WorkspaceFolder | vscode.TaskScope;
}

/** Where a file's task runs: in the workspace folder around it, below which the problem matchers look for the files that
 * are named. llmspell finds the project by the file, and names what is elsewhere in full. Where no folder is open, in the
 * user's own: such a window of another machine starts no terminal elsewhere. */
export function home(file?: vscode.Uri): Home {
  const around = file === undefined ? undefined : vscode.workspace.getWorkspaceFolder(file);
  const folder = around ?? vscode.workspace.workspaceFolders?.[0];
  return folder === undefined
    ? { cwd: os.homedir(), scope: vscode.TaskScope.Workspace }
    : { cwd: folder.uri.fsPath, scope: folder };
}

/** A process, not a line for a shell: no file's name can be taken for a command. */
export function made(program: Program, definition: Definition, { cwd, scope }: Home): vscode.Task {
  const { command, file, args = [] } = definition;
  const subject = file === undefined ? [] : [relative(file, cwd)];
  const process = new vscode.ProcessExecution(program.path, [command, ...subject, ...args], { cwd });
  const title = [command, ...subject].join(" ");
  const matchers = vscode.workspace.workspaceFolders === undefined ? [] : MATCHERS[command]; // they begin at a folder
  const task = new vscode.Task(definition, scope as vscode.WorkspaceFolder, title, "llmspell", process, matchers);
  if (command === "validate") {
    task.group = vscode.TaskGroup.Build;
  }
  task.presentationOptions = { panel: vscode.TaskPanelKind.Dedicated, clear: true, showReuseMessage: false };
  return task;
}

/** A terminal for what a person speaks to. */
export function terminal(program: Program, name: string, args: readonly string[], cwd: string): vscode.Terminal {
  const shown = vscode.window.createTerminal({
    name,
    shellPath: program.path,
    shellArgs: [...args],
    cwd,
    iconPath: new vscode.ThemeIcon("wand"),
  });
  shown.show();
  return shown;
}

/** As a person in that folder would write it: runs are listed by it. */
export function relative(file: string, cwd: string): string {
  const inside = path.relative(cwd, path.resolve(cwd, file));
  return inside === "" ? "." : inside.startsWith("..") ? file : inside;
}
