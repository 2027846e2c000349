/** The runs of the workspace's projects, through `llmspell trace list` and `follow`; never by their files' content.
 * Changes in the folder of runs say only that it is time to ask again. */

import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import * as vscode from "vscode";

import type { Installation } from "../installation";
import { output, plain } from "../program";
import type { Projects } from "../projects";
import { RunsFolder } from "./folder";
import { Trace, type Event, type Run } from "./model";

/** Runs that are listed for each project. */
const MOST = 50;
/** Runs that are followed at a time; each is a process. */
const FOLLOWED = 4;
/** Milliseconds in which changes of the folder are gathered. */
const GATHERED = 150;
/** Milliseconds between two tellings of a run that grows: each is a drawing for whoever shows it. */
const PACE = 100;

interface Followed {
  readonly trace: Trace;
  readonly process: ChildProcess;
  readonly whole: Promise<Trace>;
}

export class Runs implements vscode.Disposable {
  private known = new Map<string, Run>();
  private readonly folders = new Map<string, string>();
  private readonly traces = new Map<string, Trace>();
  private readonly followed = new Map<string, Followed>();
  private readonly listChanged = new vscode.EventEmitter<void>();
  private readonly traceChanged = new vscode.EventEmitter<string>();
  private watchers: { dispose(): unknown }[] = [];
  private timer: NodeJS.Timeout | undefined;
  private readonly growing = new Map<string, NodeJS.Timeout>();
  private readonly disposables: vscode.Disposable[];
  private isShown = false;
  /** What was said where a project's runs could not be listed; a broken `llmspell.toml` hides only its own. */
  complaint = "";
  /** The list, or a run's end. */
  readonly onDidChangeList = this.listChanged.event;
  /** What is known of the run with this id. */
  readonly onDidChangeTrace = this.traceChanged.event;

  constructor(
    private readonly projects: Projects,
    private readonly installation: Installation,
  ) {
    // Trust, another program, another folder: what is watched, and who is asked, may be others now.
    const again = (): unknown => (this.isShown ? this.show(true).catch(() => undefined) : undefined);
    this.disposables = [installation.onDidChange(again), projects.onDidChange(again)];
  }

  /** The newest first. */
  get list(): readonly Run[] {
    return [...this.known.values()].sort((a, b) => b.started - a.started);
  }

  get(id: string): Run | undefined {
    return this.known.get(id);
  }

  /** What is known by now; undefined where nobody has asked for it. */
  peek(id: string): Trace | undefined {
    return this.traces.get(id);
  }

  /** Where a run's spell is at home. */
  folder(id: string): string | undefined {
    return this.folders.get(id);
  }

  /** Runs are watched, and live ones followed, only while somebody sees them. */
  async show(shown: boolean): Promise<void> {
    this.isShown = shown;
    vscode.Disposable.from(...this.watchers).dispose();
    this.watchers = [];
    if (!shown) {
      return;
    }
    for (const folder of this.places()) {
      this.watchers.push(new RunsFolder(folder, () => this.soon()));
    }
    this.watchers.push(vscode.tasks.onDidEndTaskProcess(() => this.soon()));
    await this.refresh();
  }

  /** Asks for the lists. */
  async refresh(): Promise<void> {
    const program = await this.installation.program();
    if (program === undefined) {
      return;
    }
    const listed = new Map<string, Run>();
    const complaints: string[] = [];
    for (const folder of this.places()) {
      try {
        const said = await output(program.path, ["trace", "list", "--json", "-n", String(MOST)], folder);
        for (const run of JSON.parse(said) as Run[]) {
          listed.set(run.id, run);
          this.folders.set(run.id, folder);
        }
      } catch (error) {
        complaints.push(error instanceof Error ? error.message : String(error));
      }
    }
    this.known = listed;
    this.complaint = complaints.join("\n");
    this.listChanged.fire();
    const live = this.list.filter((run) => run.status === "running").slice(0, FOLLOWED);
    if (this.isShown) {
      for (const run of live) {
        void this.trace(run.id).catch(() => undefined);
      }
    }
  }

  /** A run's spans, grown until it has ended. Rejects where they cannot be had. */
  async trace(id: string): Promise<Trace> {
    const kept = this.traces.get(id);
    if (kept !== undefined && !this.followed.has(id)) {
      return kept;
    }
    const program = await this.installation.program();
    if (program === undefined) {
      throw new Error("llmspell was not found");
    }
    const followed = this.followed.get(id) ?? this.follow(program.path, id);
    return this.get(id)?.status === "running" ? followed.trace : followed.whole;
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.growing.forEach((timer) => clearTimeout(timer));
    for (const { process } of this.followed.values()) {
      process.kill();
    }
    vscode.Disposable.from(...this.watchers, ...this.disposables, this.listChanged, this.traceChanged).dispose();
  }

  private follow(program: string, id: string): Followed {
    const trace = new Trace();
    const cwd = this.folder(id) ?? this.places()[0];
    const child = spawn(program, ["trace", "follow", id, "--json"], { cwd, env: plain(), stdio: ["ignore", "pipe", "pipe"] });
    let complaint = "";
    child.stderr.on("data", (piece: Buffer) => (complaint += piece.toString()));
    createInterface({ input: child.stdout }).on("line", (line) => {
      trace.add(JSON.parse(line) as Event);
      this.grown(id);
    });
    const whole = new Promise<Trace>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => {
        this.followed.delete(id);
        if (trace.spans.size === 0 && code !== 0) {
          this.traces.delete(id);
          reject(new Error(complaint.trim() || `llmspell trace follow ended with ${code}`));
        } else {
          resolve(trace);
          this.traceChanged.fire(id);
          if (this.get(id)?.status === "running") {
            this.soon();
          }
        }
      });
    });
    whole.catch(() => undefined);
    const followed = { trace, process: child, whole };
    this.traces.set(id, trace);
    this.followed.set(id, followed);
    return followed;
  }

  private grown(id: string): void {
    if (!this.growing.has(id)) {
      const tell = (): void => {
        this.growing.delete(id);
        this.traceChanged.fire(id);
      };
      this.growing.set(id, setTimeout(tell, PACE));
    }
  }

  private places(): string[] {
    const roots = this.projects.roots.map((each) => each.fsPath);
    const opened = (vscode.workspace.workspaceFolders ?? []).filter((each) => each.uri.scheme === "file");
    return roots.length > 0 ? roots : opened.map((each) => each.uri.fsPath);
  }

  private soon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.refresh().catch(() => undefined), GATHERED);
  }
}
