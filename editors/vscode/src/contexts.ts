/** What the editor's `when` clauses know: whether the open file is a spell, and whether F5 in it is ours. */

import * as vscode from "vscode";

import { openDocument } from "./open";
import type { Projects } from "./projects";

export class Contexts implements vscode.Disposable {
  private readonly disposables: vscode.Disposable[];
  private watchers: vscode.Disposable[] = [];
  private hasSpells = false;
  private isStale = false;
  private isListing = false;

  constructor(private readonly projects: Projects) {
    this.disposables = [
      projects.onDidChange(() => this.begin()),
      vscode.window.onDidChangeActiveTextEditor(() => this.mark()),
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration("llmspell.spells") || change.affectsConfiguration("launch")) {
          this.begin();
        }
      }),
    ];
    this.begin();
  }

  dispose(): void {
    vscode.Disposable.from(...this.disposables, ...this.watchers).dispose();
  }

  /** What spells are may be another thing now. */
  private begin(): void {
    vscode.Disposable.from(...this.watchers).dispose();
    // Of spells only: where others write JavaScript by the hundred nothing is looked for.
    this.watchers = this.projects.patterns().flatMap((pattern) => {
      const watcher = vscode.workspace.createFileSystemWatcher(pattern, false, true, false);
      return [watcher, watcher.onDidCreate(() => this.list()), watcher.onDidDelete(() => this.list())];
    });
    this.mark();
    void this.list();
  }

  private mark(): void {
    const document = openDocument();
    const isSpell = document !== undefined && this.projects.isSpell(document);
    // Stays: a debugger that is there for one file and gone for the next would take launch.json's entries with it.
    this.hasSpells ||= isSpell || this.projects.roots.length > 0;
    set("isSpell", isSpell);
    set("hasSpells", this.hasSpells);
    // Without a launch.json F5 has the editor ask which of all debuggers of JavaScript is meant; with one it is to start
    // the entry that is chosen there.
    set("hasLaunch", hasLaunch(document?.uri));
  }

  /** What is open is known here a moment after it is on the screen, and between two files none is: a key that comes in
   * that moment would go to the editor's own command. The list says beforehand what is a spell. */
  private async list(): Promise<void> {
    this.isStale = true;
    if (this.isListing) {
      return;
    }
    this.isListing = true;
    try {
      while (this.isStale) {
        this.isStale = false;
        set("spells", setOf(await this.projects.files()));
      }
    } finally {
      this.isListing = false;
    }
  }
}

/** The set of files, in the shape in which `in` of a `when` clause looks them up at once. */
function setOf(files: readonly vscode.Uri[]): Record<string, true> {
  return Object.fromEntries(files.map((file) => [file.fsPath, true]));
}

function hasLaunch(file: vscode.Uri | undefined): boolean {
  const launch = vscode.workspace.getConfiguration("launch", file);
  return ["configurations", "compounds"].some((name) => launch.get<unknown[]>(name, []).length > 0);
}

function set(name: string, value: unknown): void {
  void vscode.commands.executeCommand("setContext", `llmspell.${name}`, value);
}
