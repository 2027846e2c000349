// Packages the extension, with the repository's licence. The same files make the same package, byte for byte: wherever
// and whenever that is, and whatever a new file's permissions are there.

import { chmodSync, copyFileSync } from "node:fs";

import { createVSIX, listFiles, PackageManager } from "@vscode/vsce";

/** What the package says of when its files were written: 1 January 2026. */
process.env.TZ = "UTC";
process.env.SOURCE_DATE_EPOCH ??= "1767225600";

copyFileSync("../../LICENSE", "LICENSE");
for (const file of await listFiles({ packageManager: PackageManager.Npm })) {
  chmodSync(file, 0o644);
}
await createVSIX({ packagePath: "dist/llmspell.vsix" });
