// A plugin of TypeScript's server: in the folders it is told of, JavaScript is left to llmspell's server, which knows more
// of it. Else a project whose jsconfig.json names the generated stubs would be told everything twice. Knows no editor.
"use strict";

const path = require("node:path");

const SCRIPT = /\.m?js$/;

/** What a spell is answered instead, by the names of the service. */
const ANSWERS = {
  getCompletionsAtPosition: () => undefined,
  getQuickInfoAtPosition: () => undefined,
  getSignatureHelpItems: () => undefined,
  getDefinitionAndBoundSpan: () => undefined,
  getDefinitionAtPosition: () => undefined,
  findReferences: () => undefined,
  getRenameInfo: () => ({ canRename: false, localizedErrorMessage: "llmspell renames it" }),
  getSyntacticDiagnostics: () => [],
  getSemanticDiagnostics: () => [],
  getSuggestionDiagnostics: () => [],
  getCodeFixesAtPosition: () => [],
  getApplicableRefactors: () => [],
  provideInlayHints: () => [],
  getNavigationTree: (file) => ({ text: file, kind: "module", kindModifiers: "", spans: [{ start: 0, length: 0 }] }),
};

module.exports = () => {
  let folders = [];
  const created = [];
  const isSpell = (file) => {
    return SCRIPT.test(file) && folders.some((folder) => !path.relative(folder, file).startsWith(".."));
  };
  return {
    create({ languageService, project }) {
      created.push(project);
      const own = Object.entries(ANSWERS).map(([name, answer]) => {
        return [name, (file, ...rest) => (isSpell(file) ? answer(file) : languageService[name](file, ...rest))];
      });
      return { ...languageService, ...Object.fromEntries(own) };
    },
    onConfigurationChanged(given) {
      folders = given.folders ?? [];
      for (const project of created) {
        project.refreshDiagnostics?.();
      }
    },
  };
};
