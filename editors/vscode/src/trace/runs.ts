/** The runs of the workspace's spells, through `llmspell trace list` and `follow`; never by their files' content.
 * Changes in a folder of runs say only that it is time to ask again. */

import { spawn, type ChildProcess } from "node:child_process";
import * as path from "node:path";
import { createInterface } from "node:readline";
import * as vscode from "vscode";

import type { Installation } from "../installation";
import { output, plain, type Program } from "../program";
import type { Projects } from "../projects";
import { RunsFolder } from "./folder";
import { Trace, type Event, type Run } from "./model";
import { Places, type Place } from "./places";

/** Runs that are listed of each place. */
const MOST = 50;
/** Runs that are followed at a time; each is a process. */
const FOLLOWED = 4;
/** Milliseconds in which changes of the folder are gathered. */
const GATHERED = 150;
/** Milliseconds between two tellings of a run that grows: each is a drawing for whoever shows it. The editor's tree is
 * sent all children of a line each time, which takes it the better part of a millisecond for each. */
const PACE = { least: 100, span: 1 };

interface Followed {
  readonly trace: Trace;
  readonly process: ChildProcess;
  readonly whole: Promise<Trace>;
}

export class Runs implements vscode.Disposable {
  private known = new Map<string, Run>();
  private readonly places: Places;
  /** The folder of data that a run is in. */
  private readonly stores = new Map<string, string>();
  private readonly traces = new Map<string, Trace>();
  private readonly followed = new Map<string, Followed>();
  private readonly listChanged = new vscode.EventEmitter<void>();
  private readonly traceChanged = new vscode.EventEmitter<string>();
  private watchers: { dispose(): unknown }[] = [];
  private timer: NodeJS.Timeout | undefined;
  private readonly growing = new Map<string, NodeJS.Timeout>();
  private readonly disposables: vscode.Disposable[];
  private isShown = false;
  /** The lists are being asked for; and are to be asked for once more after that. */
  private asking: Promise<void> = Promise.resolve();
  private queued: Promise<void> | undefined;
  /** What was said where a project's runs could not be listed; a broken `llmspell.toml` hides only its own. */
  complaint = "";
  /** The list, or a run's end. */
  readonly onDidChangeList = this.listChanged.event;
  /** What is known of the run with this id. */
  readonly onDidChangeTrace = this.traceChanged.event;

  constructor(
    projects: Projects,
    private readonly installation: Installation,
  ) {
    this.places = new Places(projects);
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

  /** Runs are watched, and live ones followed, only while somebody sees them. */
  async show(shown: boolean): Promise<void> {
    this.isShown = shown;
    this.places.forget();
    const program = shown ? await this.installation.program() : undefined;
    const places = program === undefined ? [] : await this.places.all(program);
    vscode.Disposable.from(...this.watchers).dispose();
    this.watchers = [];
    clearTimeout(this.timer);
    if (!this.isShown || program === undefined) {
      return;
    }
    for (const { data } of places) {
      this.watchers.push(new RunsFolder(path.join(data, "runs"), () => this.soon()));
    }
    this.watchers.push(vscode.tasks.onDidEndTaskProcess(() => this.soon()));
    await this.refresh();
  }

  /** Asks for the lists. What is under way may have been answered before what one wants to see: it is asked once more,
   * and not beside it, or the older answer could come last. */
  refresh(): Promise<void> {
    this.queued ??= this.asking
      .catch(() => undefined)
      .then(() => {
        this.queued = undefined;
        return (this.asking = this.ask());
      });
    return this.queued;
  }

  private async ask(): Promise<void> {
    const program = await this.installation.program();
    if (program === undefined) {
      return;
    }
    const listed = new Map<string, Run>();
    const complaints: string[] = [];
    for (const place of await this.places.all(program)) {
      try {
        for (const run of await this.listed(program, place)) {
          listed.set(run.id, run);
          this.stores.set(run.id, place.data);
        }
      } catch (error) {
        complaints.push(error instanceof Error ? error.message : String(error));
      }
    }
    this.known = listed;
    for (const id of this.traces.keys()) {
      if (!listed.has(id) && !this.followed.has(id)) {
        this.traces.delete(id); // with all that was said in it
      }
    }
    this.complaint = complaints.join("\n");
    this.listChanged.fire();
    const live = this.list.filter((run) => run.status === "running").slice(0, FOLLOWED);
    if (this.isShown) {
      for (const run of live) {
        void this.trace(run.id).catch(() => undefined);
      }
    }
  }

  /** The run in a file, also one that is not listed; undefined where it is gone. */
  async stored(file: string): Promise<Run | undefined> {
    const id = path.basename(file, ".db");
    if (!this.known.has(id)) {
      await this.refresh();
    }
    const program = await this.installation.program();
    const listed = this.known.get(id);
    if (listed !== undefined || program === undefined) {
      return listed;
    }
    const data = path.dirname(path.dirname(file));
    const all = await this.asked(program, data, ["-n", "0", "--data", data]).catch(() => []);
    this.stores.set(id, data);
    return all.find((run) => run.id === id);
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
    if (!this.stores.has(id)) {
      await this.refresh(); // nobody has looked yet: its document was open when the window was
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
    const store = this.stores.get(id);
    const args = ["trace", "follow", id, "--json", ...(store === undefined ? [] : ["--data", store])];
    const child = spawn(program, args, { env: plain(), stdio: ["ignore", "pipe", "pipe"] });
    let complaint = "";
    child.stderr.on("data", (piece: Buffer) => (complaint += piece.toString()));
    createInterface({ input: child.stdout }).on("line", (line) => {
      trace.add(JSON.parse(line) as Event);
      this.grown(id, trace);
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

  private grown(id: string, { spans }: Trace): void {
    if (!this.growing.has(id)) {
      const tell = (): void => {
        this.growing.delete(id);
        this.traceChanged.fire(id);
      };
      this.growing.set(id, setTimeout(tell, Math.max(PACE.least, PACE.span * spans.size)));
    }
  }

  /** The newest of a place that are this workspace's. */
  private async listed(program: Program, { folder, isShared }: Place): Promise<Run[]> {
    const runs = await this.asked(program, folder, ["-n", isShared ? "0" : String(MOST)]);
    return isShared ? runs.filter((run) => this.places.isHere(run.spell)).slice(-MOST) : runs;
  }

  private async asked(program: Program, folder: string, args: readonly string[]): Promise<Run[]> {
    return JSON.parse(await output(program.path, ["trace", "list", "--json", ...args], folder)) as Run[];
  }

  private soon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.refresh().catch(() => undefined), GATHERED);
  }
}
