/** Tells when a run begins or is removed, by the names in a folder of runs. Reads none of its files.
 *
 * Not by the editor's watcher: that one leaves out what `files.watcherExclude` and a `.gitignore` name. */

import { existsSync, watch, type FSWatcher } from "node:fs";
import * as path from "node:path";

export class RunsFolder {
  private watcher: FSWatcher | undefined;
  private place = "";

  /** The folder need not be there. */
  constructor(
    private readonly folder: string,
    private readonly told: () => void,
  ) {
    this.arm();
  }

  dispose(): void {
    this.watcher?.close();
    this.watcher = undefined;
  }

  /** Watches the folder, or while there is none the nearest one in which it will be made; says whether that is another. */
  private arm(): boolean {
    let place = this.folder;
    while (!existsSync(place) && place !== path.dirname(place)) {
      place = path.dirname(place);
    }
    if (place === this.place) {
      return false;
    }
    this.watcher?.close();
    this.place = place;
    try {
      this.watcher = watch(place, { persistent: false }, (kind, name) => this.changed(kind, name));
      this.watcher.on("error", () => this.dispose());
      this.arm(); // the folder may have been made meanwhile
    } catch {
      // No more watches are to be had: the button in the view's title asks anew.
    }
    return true;
  }

  private changed(kind: string, name: string | null): void {
    if (kind !== "rename") {
      return; // Each file is written often, and SQLite's own files beside it come and go.
    }
    if (name === path.basename(this.place) || !existsSync(this.place)) {
      this.place = ""; // It is gone, or another of its name: what is watched is no folder any more.
    }
    const isAnother = this.arm();
    if (isAnother || (this.place === this.folder && (name === null || name.endsWith(".db")))) {
      this.told();
    }
  }
}
