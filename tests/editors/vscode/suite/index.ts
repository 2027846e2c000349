/** What the extension host calls: Mocha over the files that are bundled here. */

import Mocha from "mocha";

export function run(): Promise<void> {
  const mocha = new Mocha({ ui: "bdd", color: false, timeout: 30_000, reporter: "spec" });
  // The files register with the globals that the interface sets.
  mocha.suite.emit("pre-require", globalThis, "", mocha);
  require("./language.test");
  require("./finding.test");
  require("./snippets.test");
  require("./running.test");
  require("./debugging.test");
  return new Promise((resolve, reject) => {
    mocha.run((failures) => (failures === 0 ? resolve() : reject(new Error(`${failures} tests failed`))));
  });
}
