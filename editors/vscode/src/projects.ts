/** Which files are spells: those of a project (a folder with `llmspell.toml`), and those the setting names. */

import * as path from "node:path";
import * as vscode from "vscode";
import type { DocumentFilter } from "vscode-languageclient/node";

const LANGUAGES = ["lua", "javascript"];
const SETTINGS = "llmspell.toml";
/** How the names of spells end. */
const ENDINGS = "{lua,js,mjs}";
/** What is in folders like these is somebody else's. */
const ELSEWHERE = "**/{node_modules,.venv,venv,.git}/**";
/** As many are looked for, of projects and of spells. */
const MOST = { projects: 200, spells: 2000 };

export class Projects implements vscode.Disposable {
  private folders: vscode.Uri[] = [];
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly disposables: vscode.Disposable[] = [];
  readonly onDidChange = this.changed.event;

  async open(): Promise<void> {
    await this.look();
    const watcher = vscode.workspace.createFileSystemWatcher(`**/${SETTINGS}`, false, true, false);
    const again = async (): Promise<void> => {
      const before = String(this.folders);
      await this.look();
      if (String(this.folders) !== before) {
        this.changed.fire();
      }
    };
    this.disposables.push(
      watcher,
      watcher.onDidCreate(again),
      watcher.onDidDelete(again),
      vscode.workspace.onDidChangeWorkspaceFolders(again),
    );
  }

  /** The folders of projects, the outermost first. */
  get roots(): readonly vscode.Uri[] {
    return this.folders;
  }

  isSpell(document: vscode.TextDocument): boolean {
    return vscode.languages.match(this.spells(), document) > 0;
  }

  /** What spells are, for whatever the editor asks about them. */
  spells(): vscode.DocumentFilter[] {
    return LANGUAGES.flatMap((language) => this.scripts(language));
  }

  /** What the names of spells are like. */
  patterns(): vscode.GlobPattern[] {
    return [...this.named(), ...this.folders.map((folder) => new vscode.RelativePattern(folder, `**/*.${ENDINGS}`))];
  }

  /** The spells of this workspace on the disk, as many as are worth listing. */
  async files(): Promise<vscode.Uri[]> {
    const found = this.patterns().map((each) => vscode.workspace.findFiles(each, ELSEWHERE, MOST.spells));
    return (await Promise.all(found)).flat();
  }

  /** Whether the language server has something to say about a file. */
  isOurs(document: vscode.TextDocument): boolean {
    return this.isSpell(document) || vscode.languages.match(this.others(), document) > 0;
  }

  /** What the language server is asked about. */
  selector(): DocumentFilter[] {
    const filters = [...this.spells(), ...this.others()];
    return filters.map((filter) => protocolFilter(filter));
  }

  /** Where `llmspell` is started for a file: the innermost project around it, else the workspace folder, else its own. */
  rootOf(file: vscode.Uri): string {
    const folder = this.around(file.fsPath) ?? vscode.workspace.getWorkspaceFolder(file)?.uri;
    return folder?.fsPath ?? path.dirname(file.fsPath);
  }

  /** The innermost project of a file or folder. */
  around(place: string): vscode.Uri | undefined {
    return this.folders.findLast((folder) => !path.relative(folder.fsPath, place).startsWith(".."));
  }

  dispose(): void {
    vscode.Disposable.from(...this.disposables, this.changed).dispose();
  }

  private async look(): Promise<void> {
    const files = await vscode.workspace.findFiles(`**/${SETTINGS}`, ELSEWHERE, MOST.projects);
    this.folders = files
      .filter((file) => file.scheme === "file")
      .map((file) => vscode.Uri.joinPath(file, ".."))
      .sort((a, b) => a.fsPath.length - b.fsPath.length || a.fsPath.localeCompare(b.fsPath));
  }

  private scripts(language: string): vscode.DocumentFilter[] {
    const named = this.named().map((pattern): vscode.DocumentFilter => ({ scheme: "file", language, pattern }));
    return [...named, ...this.inProjects("**", { language })];
  }

  /** The globs of the setting. */
  private named(): string[] {
    return vscode.workspace.getConfiguration("llmspell").get<string[]>("spells", []);
  }

  private others(): vscode.DocumentFilter[] {
    return this.inProjects("**/{llmspell.toml,replies.json}", {});
  }

  private inProjects(glob: string, filter: vscode.DocumentFilter): vscode.DocumentFilter[] {
    return this.folders.map((folder) => {
      return { ...filter, scheme: "file", pattern: new vscode.RelativePattern(folder, glob) };
    });
  }
}

function protocolFilter(filter: vscode.DocumentFilter): DocumentFilter {
  const { language, scheme = "file", pattern } = filter;
  const glob =
    pattern === undefined || typeof pattern === "string"
      ? pattern
      : { baseUri: pattern.baseUri.toString(), pattern: pattern.pattern };
  return { language, scheme, pattern: glob } as DocumentFilter;
}
