/** Which `llmspell` to start, and asking it things. Knows where programs are kept; knows no editor window. */

import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import * as path from "node:path";

/** A program of that path, as `--version` says of itself. */
export interface Program {
  readonly path: string;
  readonly version: string;
  /** How it was found, for people. */
  readonly origin: "setting" | "environment" | "PATH";
}

/** Folders of a project in which a Python environment is looked for. */
const ENVIRONMENTS = [".venv", "venv", "env"];
const WINDOWS = process.platform === "win32";
/** Milliseconds for an answer: the first start after an installation compiles every module. */
const PATIENCE = 20_000;
/** A run's recording may hold many and long texts. */
const LONGEST = 256 * 1024 * 1024;

/** The program that a setting names, else that of an environment in one of the folders, else the first on PATH. */
export async function find(setting: string, folders: readonly string[]): Promise<Program | undefined> {
  if (setting !== "") {
    return asked(resolved(setting, folders[0]), "setting");
  }
  for (const folder of folders) {
    for (const environment of ENVIRONMENTS) {
      const found = await asked(inEnvironment(path.join(folder, environment)), "environment");
      if (found !== undefined) {
        return found;
      }
    }
  }
  for (const folder of (process.env["PATH"] ?? "").split(path.delimiter)) {
    const found = folder === "" ? undefined : await asked(path.join(folder, name()), "PATH");
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

/** What the program prints. Rejects with what it said on standard error. */
export function output(program: string, args: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { cwd, timeout: PATIENCE, maxBuffer: LONGEST, env: plain() };
    execFile(program, [...args], options, (error, stdout, stderr) => {
      if (error === null) {
        resolve(stdout);
      } else {
        reject(new Error(stderr.trim() || error.message));
      }
    });
  });
}

/** The surroundings without colours, which no reader of ours wants. */
export function plain(): NodeJS.ProcessEnv {
  return { ...process.env, NO_COLOR: "1" };
}

function name(): string {
  return WINDOWS ? "llmspell.exe" : "llmspell";
}

function inEnvironment(folder: string): string {
  return path.join(folder, WINDOWS ? "Scripts" : "bin", name());
}

/** `~` is the user's folder, and what is relative begins at the project; a bare name stays one for PATH to find. */
function resolved(setting: string, folder: string | undefined): string {
  const home = process.env["HOME"] ?? process.env["USERPROFILE"] ?? "~";
  const whole = setting.replace(/^~(?=$|[/\\])/, home);
  return path.isAbsolute(whole) || folder === undefined || !/[/\\]/.test(whole) ? whole : path.join(folder, whole);
}

async function asked(file: string, origin: Program["origin"]): Promise<Program | undefined> {
  try {
    if (path.isAbsolute(file)) {
      await access(file, constants.X_OK);
    }
    const said = await output(file, ["--version"], process.cwd());
    const version = /^llmspell (\S+)/.exec(said)?.[1];
    return version === undefined ? undefined : { path: file, version, origin };
  } catch {
    return undefined;
  }
}
