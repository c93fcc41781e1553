// npm @relayflows/core, the public engine of the same files, on one file in the folder it is started in. Its relay is switched off.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
const [folder, file] = process.argv.slice(2);
const core = await import(pathToFileURL(`${folder}/node_modules/@relayflows/core/dist/index.js`).href);
const runner = new core.WorkflowRunner({ cwd: process.cwd() });
const began = performance.now();
const row = await runner.execute(runner.parseYamlString(readFileSync(file, "utf8"), file));
console.log("\n" + JSON.stringify({ state: row.status, ms: performance.now() - began }));
process.exit(0);
