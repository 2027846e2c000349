/** Tells when a run begins or is removed, by the names in a project's folder of runs. Reads none of its files.
 *
 * Not by the editor's watcher: that one leaves out what `files.watcherExclude` and a `.gitignore` name. */

import { existsSync, watch, type FSWatcher } from "node:fs";
import * as path from "node:path";

export class RunsFolder {
  private watcher: FSWatcher | undefined;
  private place = "";

  constructor(
    private readonly project: string,
    private readonly told: () => void,
  ) {
    this.arm();
  }

  dispose(): void {
    this.watcher?.close();
    this.watcher = undefined;
  }

  /** The folder, or while there is none the nearest one in which it will be made. */
  private arm(): void {
    const data = path.join(this.project, ".llmspell");
    const place = [path.join(data, "runs"), data, this.project].find((each) => existsSync(each));
    if (place === undefined || place === this.place) {
      return;
    }
    this.watcher?.close();
    this.place = place;
    try {
      this.watcher = watch(place, { persistent: false }, (kind, name) => this.changed(kind, name));
      this.watcher.on("error", () => this.dispose());
    } catch {
      // No more watches are to be had: the button in the view's title asks anew.
    }
  }

  private changed(kind: string, name: string | null): void {
    if (path.basename(this.place) !== "runs") {
      this.arm();
      this.told();
    } else if (kind === "rename" && (name === null || name.endsWith(".db"))) {
      // A file came or went. Each is written often, and SQLite's own files beside it come and go.
      this.told();
    }
  }
}
