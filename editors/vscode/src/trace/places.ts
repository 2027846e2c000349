/** Where the runs of this workspace are kept: each project's with it, those of spells outside of projects in one store of
 * the user's, which has the runs of other folders too. Knows no run. */

import * as os from "node:os";
import * as path from "node:path";

import { output, type Program } from "../program";
import { contains, type Projects } from "../projects";

export interface Place {
  /** llmspell is asked from there. */
  readonly folder: string;
  /** What it writes: runs are in the folder `runs` of it. */
  readonly data: string;
  /** Whether others have runs there. */
  readonly isShared: boolean;
}

export class Places {
  private readonly known = new Map<string, string>();

  constructor(private readonly projects: Projects) {}

  /** Settings may have changed: asks again. */
  forget(): void {
    this.known.clear();
  }

  async all(program: Program): Promise<Place[]> {
    const opened = this.projects.opened.map((each) => each.fsPath);
    const loose = opened.length === 0 ? [os.homedir()] : opened.filter((each) => this.projects.around(each) === undefined);
    const folders = [...this.projects.roots.map((each) => each.fsPath), ...loose];
    const found = await Promise.all(
      folders.map(async (folder) => {
        return { folder, data: await this.data(program, folder), isShared: loose.includes(folder) };
      }),
    );
    return [...new Map(found.reverse().map((place) => [place.data, place])).values()];
  }

  /** Whether a spell of the shared store is this workspace's; in a window without a folder all are. */
  isHere(spell: string): boolean {
    const { opened } = this.projects;
    return opened.length === 0 || opened.some((each) => contains(each.fsPath, spell));
  }

  /** As llmspell says; where its settings are broken, as it is usually. */
  private async data(program: Program, folder: string): Promise<string> {
    const known = this.known.get(folder);
    if (known !== undefined) {
      return known;
    }
    try {
      const said = await output(program.path, ["config", "show", "--json"], folder);
      const { "data.dir": dir } = JSON.parse(said) as { "data.dir": { value: string } };
      this.known.set(folder, dir.value);
      return dir.value;
    } catch {
      return path.join(folder, ".llmspell");
    }
  }
}
