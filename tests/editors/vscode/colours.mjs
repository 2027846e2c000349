// Says which scopes the editor's own grammars, with the injected one, give to words of a file: what an untrusted folder
// and every theme sees.
//
//     node colours.mjs EXTENSION FILE WORD …
//
// prints a line of JSON for each occurrence: [word, scopes].

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";

import { CACHE } from "./workbench.mjs";

const WORKBENCH = path.join(CACHE, "node_modules/code-server/lib/vscode");
const require = createRequire(path.join(WORKBENCH, "package.json"));
const oniguruma = require("vscode-oniguruma");
const { Registry } = require("vscode-textmate");

const [extension, file, ...words] = process.argv.slice(2);
const { contributes } = JSON.parse(await readFile(path.join(extension, "package.json"), "utf8"));
const injections = contributes.grammars.filter((each) => each.injectTo !== undefined);
const grammars = {
  "source.lua": path.join(WORKBENCH, "extensions/lua/syntaxes/lua.tmLanguage.json"),
  "source.js": path.join(WORKBENCH, "extensions/javascript/syntaxes/JavaScript.tmLanguage.json"),
  ...Object.fromEntries(injections.map((each) => [each.scopeName, path.join(extension, each.path)])),
};
await oniguruma.loadWASM(await readFile(require.resolve("vscode-oniguruma/release/onig.wasm")));
const registry = new Registry({
  onigLib: Promise.resolve({
    createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
    createOnigString: (text) => new oniguruma.OnigString(text),
  }),
  loadGrammar: async (scope) => (grammars[scope] ? JSON.parse(await readFile(grammars[scope], "utf8")) : null),
  getInjections: (scope) => injections.filter((each) => each.injectTo.includes(scope)).map((each) => each.scopeName),
});
const grammar = await registry.loadGrammar(file.endsWith(".lua") ? "source.lua" : "source.js");
let state = null;
for (const line of (await readFile(file, "utf8")).split("\n")) {
  const { tokens, ruleStack } = grammar.tokenizeLine(line, state);
  state = ruleStack;
  for (const { startIndex, endIndex, scopes } of tokens) {
    const text = line.slice(startIndex, endIndex);
    if (words.includes(text)) {
      console.log(JSON.stringify([text, scopes]));
    }
  }
}
