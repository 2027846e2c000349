/** An environment of a project's own with llmspell in it: made by Python's venv and pip, each a task in the terminal,
 * where everybody sees what is done. Knows neither trust nor who asked. */

import * as path from "node:path";
import * as vscode from "vscode";

const [PYTHON, IN_VENV, LLMSPELL] =
  process.platform === "win32"
    ? ["py", ".venv\\Scripts\\python.exe", ".venv\\Scripts\\llmspell.exe"]
    : ["python3", ".venv/bin/python", ".venv/bin/llmspell"];
/** What is there afterwards. */
export const INSTALLED = LLMSPELL;

/** Isolated: a file of the project called `pip.py` or `random.py` is nobody's module. What is said where one fails. */
const STEPS = [
  {
    name: "make .venv",
    program: PYTHON,
    args: ["-I", "-m", "venv", ".venv"],
    failed: `no Python environment could be made in .venv. It takes a \`${PYTHON}\` of version 3.11 or newer with its module venv; Debian and Ubuntu keep that in the package python3-venv.`,
  },
  {
    name: "install llmspell",
    program: IN_VENV,
    args: ["-I", "-m", "pip", "--disable-pip-version-check", "install", "llmspell"],
    failed:
      "pip could not install llmspell into .venv; the terminal has its words. It takes Python 3.11 or newer and a package index that can be reached. Where llmspell is elsewhere on this machine, choose it.",
  },
];

/** What to say of the step that failed; undefined where all is installed. */
export async function installed(folder: string): Promise<string | undefined> {
  for (const { name, program, args, failed } of STEPS) {
    const place = program === PYTHON ? program : path.join(folder, program);
    const process = new vscode.ProcessExecution(place, args, { cwd: folder });
    const definition = { type: "llmspell", command: name };
    const task = new vscode.Task(definition, vscode.TaskScope.Workspace, name, "llmspell", process);
    task.presentationOptions = { showReuseMessage: false };
    if ((await exitCode(task)) !== 0) {
      return failed;
    }
  }
  return undefined;
}

/** Undefined where the program could not be started. */
async function exitCode(task: vscode.Task): Promise<number | undefined> {
  const isIt = (event: vscode.TaskEndEvent): boolean =>
    event.execution.task.name === task.name && event.execution.task.source === task.source;
  let code: number | undefined;
  const listening: vscode.Disposable[] = [];
  const end = new Promise<void>((resolve) => {
    listening.push(
      vscode.tasks.onDidEndTaskProcess((event) => {
        code = isIt(event) ? event.exitCode : code;
      }),
      vscode.tasks.onDidEndTask((event) => {
        if (isIt(event)) {
          resolve();
        }
      }),
    );
  });
  try {
    await vscode.tasks.executeTask(task);
    await end;
  } catch {
    // Refused by the editor, which has said so.
  } finally {
    vscode.Disposable.from(...listening).dispose();
  }
  return code;
}
