/** Where the editor meets the parts. An untrusted folder gets nothing from here: no program is looked for or started. */

import * as vscode from "vscode";

import { registerCommands } from "./commands";
import { Contexts } from "./contexts";
import { Debugging } from "./debugging";
import { InlineValues } from "./inlineValues";
import { Installation } from "./installation";
import { Projects } from "./projects";
import { Server } from "./server";
import { Startup } from "./startup";
import { Status } from "./status";
import { SpellTasks } from "./tasks";
import { TraceDocuments } from "./trace/documents";
import { Runs } from "./trace/runs";
import { TraceTree } from "./trace/tree";
import { Waterfalls } from "./trace/waterfall";
import { TypeScriptAside } from "./typescript";

/** For tests, and for other extensions that want to know what runs. */
export interface Api {
  readonly server: Server;
  readonly projects: Projects;
  readonly runs: Runs;
  readonly tree: TraceTree;
  readonly installation: Installation;
  readonly startup: Startup;
}

export async function activate(context: vscode.ExtensionContext): Promise<Api> {
  const projects = new Projects();
  const installation = new Installation(projects);
  const server = new Server(projects);
  const startup = new Startup(server.log);
  const runs = new Runs(projects, installation);
  const tree = new TraceTree(runs);
  const waterfalls = new Waterfalls(runs, context.extensionUri);
  const debugging = new Debugging(projects, installation);
  const parts = { projects, installation, server, runs, waterfalls, debugging };
  context.subscriptions.push(
    projects,
    installation,
    startup,
    server,
    runs,
    tree,
    waterfalls,
    debugging,
    new TraceDocuments(runs),
    new Status(parts),
    new SpellTasks(projects, installation),
    registerCommands(parts),
  );
  await projects.open();

  const start = async (): Promise<void> => {
    const wanted = vscode.workspace.isTrusted && vscode.workspace.textDocuments.some((each) => projects.isOurs(each));
    if (!wanted && projects.roots.length === 0) {
      void server.stop(); // the last project may have gone
      return;
    }
    const program = await installation.program();
    if (program !== undefined) {
      await server.start(program).catch((error: unknown) => server.log.error(String(error)));
    } else if (vscode.workspace.isTrusted) {
      void server.stop();
      void installation.offer(); // not awaited: the notification may stand for hours
    }
  };
  context.subscriptions.push(
    new Contexts(projects),
    new InlineValues(projects),
    new TypeScriptAside(projects, server),
    vscode.workspace.onDidGrantWorkspaceTrust(() => installation.forget()),
    installation.onDidChange(start),
    projects.onDidChange(start),
    vscode.workspace.onDidOpenTextDocument(async (document) => {
      if (!server.isWanted && vscode.workspace.isTrusted && projects.isOurs(document)) {
        await start();
      }
    }),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("llmspell.path")) {
        installation.forget();
      } else if (change.affectsConfiguration("llmspell.spells")) {
        void start();
      }
    }),
  );
  void start();
  return { server, projects, runs, tree, installation, startup };
}
