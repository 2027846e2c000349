/** Which files are spells: those of a project (a folder with `llmspell.toml`, which may lie above the one that is open),
 * and those the setting names. */

import { stat } from "node:fs/promises";
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
  private above: vscode.Disposable[] = [];
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly disposables: vscode.Disposable[] = [];
  readonly onDidChange = this.changed.event;

  async open(): Promise<void> {
    await this.look();
    this.disposables.push(
      ...this.watched(`**/${SETTINGS}`),
      vscode.workspace.onDidChangeWorkspaceFolders(() => {
        this.watchAbove();
        return this.again();
      }),
    );
    this.watchAbove();
  }

  /** The folders that are open, as far as they are on this machine's disk. */
  get opened(): readonly vscode.Uri[] {
    return (vscode.workspace.workspaceFolders ?? []).map((each) => each.uri).filter((uri) => uri.scheme === "file");
  }

  /** The folders of projects, the outermost first. */
  get roots(): readonly vscode.Uri[] {
    return this.folders;
  }

  /** What of the projects is open: of one above, the folders in it. */
  get parts(): readonly vscode.Uri[] {
    return this.folders.flatMap((root) => {
      const isAbove = (folder: vscode.Uri): boolean => root.fsPath !== folder.fsPath && contains(root.fsPath, folder.fsPath);
      return vscode.workspace.getWorkspaceFolder(root) === undefined ? this.opened.filter(isAbove) : [root];
    });
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
    return [...this.named(), ...this.parts.map((folder) => new vscode.RelativePattern(folder, `**/*.${ENDINGS}`))];
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
    return this.folders.findLast((folder) => contains(folder.fsPath, place));
  }

  dispose(): void {
    vscode.Disposable.from(...this.disposables, ...this.above, this.changed).dispose();
  }

  private async look(): Promise<void> {
    const files = await vscode.workspace.findFiles(`**/${SETTINGS}`, ELSEWHERE, MOST.projects);
    const inside = files.filter((file) => file.scheme === "file").map((file) => path.dirname(file.fsPath));
    const loose = this.opened.map((folder) => folder.fsPath).filter((folder) => !inside.includes(folder));
    const above = (await Promise.all(loose.map(projectAbove))).filter((folder) => folder !== undefined);
    this.folders = [...new Set([...inside, ...above])]
      .sort((a, b) => a.length - b.length || a.localeCompare(b))
      .map((folder) => vscode.Uri.file(folder));
  }

  /** Whoever is told then is told once of each change. */
  private async again(): Promise<void> {
    const before = String(this.folders);
    await this.look();
    if (String(this.folders) !== before) {
      this.changed.fire();
    }
  }

  private watched(pattern: vscode.GlobPattern): vscode.Disposable[] {
    const watcher = vscode.workspace.createFileSystemWatcher(pattern, false, true, false);
    return [watcher, watcher.onDidCreate(() => this.again()), watcher.onDidDelete(() => this.again())];
  }

  private watchAbove(): void {
    vscode.Disposable.from(...this.above).dispose();
    const folders = new Set(this.opened.flatMap((folder) => ancestors(folder.fsPath)));
    this.above = [...folders].flatMap((folder) => this.watched(new vscode.RelativePattern(vscode.Uri.file(folder), SETTINGS)));
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

/** Whether a place is a folder or in it. */
export function contains(folder: string, place: string): boolean {
  const way = path.relative(folder, place);
  return way !== ".." && !way.startsWith(`..${path.sep}`) && !path.isAbsolute(way);
}

/** The innermost first. */
function ancestors(folder: string): string[] {
  const above = path.dirname(folder);
  return above === folder ? [] : [above, ...ancestors(above)];
}

/** The project that a folder lies in. None where its settings belong to a stranger, as anybody may leave some in `/tmp`:
 * llmspell refuses those. */
export async function projectAbove(folder: string): Promise<string | undefined> {
  for (const above of ancestors(folder)) {
    const found = await stat(path.join(above, SETTINGS)).catch(() => undefined);
    if (found?.isFile() === true) {
      const owners = [0, process.getuid?.(), (await stat(folder)).uid];
      return owners.includes(found.uid) ? above : undefined;
    }
  }
  return undefined;
}

function protocolFilter(filter: vscode.DocumentFilter): DocumentFilter {
  const { language, scheme = "file", pattern } = filter;
  const glob =
    pattern === undefined || typeof pattern === "string"
      ? pattern
      : { baseUri: pattern.baseUri.toString(), pattern: pattern.pattern };
  return { language, scheme, pattern: glob } as DocumentFilter;
}
