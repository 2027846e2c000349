/** What the editor's `when` clauses know: whether the open file is a spell, and whether F5 in it is ours. */

import * as vscode from "vscode";

import type { Projects } from "./projects";

export class Contexts implements vscode.Disposable {
  private readonly disposables: vscode.Disposable[];
  private hasSpells = false;

  constructor(private readonly projects: Projects) {
    this.disposables = [
      projects.onDidChange(() => this.mark()),
      vscode.window.onDidChangeActiveTextEditor(() => this.mark()),
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration("llmspell.spells") || change.affectsConfiguration("launch")) {
          this.mark();
        }
      }),
    ];
    this.mark();
  }

  dispose(): void {
    vscode.Disposable.from(...this.disposables).dispose();
  }

  private mark(): void {
    const document = vscode.window.activeTextEditor?.document;
    const isSpell = document !== undefined && this.projects.isSpell(document);
    // Stays: a debugger that is there for one file and gone for the next would take launch.json's entries with it.
    this.hasSpells ||= isSpell || this.projects.roots.length > 0;
    set("isSpell", isSpell);
    set("hasSpells", this.hasSpells);
    // Without a launch.json F5 has the editor ask which of all debuggers of JavaScript is meant; with one it is to start
    // the entry that is chosen there.
    set("hasLaunch", hasLaunch(document?.uri));
  }
}

function hasLaunch(file: vscode.Uri | undefined): boolean {
  const launch = vscode.workspace.getConfiguration("launch", file);
  return ["configurations", "compounds"].some((name) => launch.get<unknown[]>(name, []).length > 0);
}

function set(name: string, value: boolean): void {
  void vscode.commands.executeCommand("setContext", `llmspell.${name}`, value);
}
