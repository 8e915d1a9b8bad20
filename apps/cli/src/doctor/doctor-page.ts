import { liveRules } from "../live/rules/index.ts";
import { type Rule, topics } from "./rule.ts";
import { rules } from "./rules/index.ts";

const introduction = `<!-- Generated from the rules in apps/cli/src: change those, then run \`vitest run apps/cli/src/doctor -u\`. -->

# What doctor finds

    npx -y pnpm@10.34.9 kong-serverless doctor --overlay staging    # what would be applied, without a cluster
    npx -y pnpm@10.34.9 kong-serverless doctor --file deploy.yaml --file keda/    # files and folders
    kubectl kustomize DIR | npx -y pnpm@10.34.9 --silent kong-serverless doctor --file - --json
    npx -y pnpm@10.34.9 kong-serverless doctor --context kind-dev   # a live cluster, and its queues if there are credentials

There are three answers. What is **wrong** is listed as a finding, and doctor exits 1. What was **not looked at** is
listed with the reason: doctor never guesses what the manifests do not say. The rest is **fine**, and when nothing is
wrong doctor exits 0. When it cannot look at all it exits 2, with an error that names the file, the document and the
line. [errors.md](errors.md#exit-codes) has all exit codes.

An **error** means that something does not work; a **warning**, that it works worse than it could or will fail under
load.

\`--json\` prints \`{ok, findings: [{code, severity, what, where: {file, path, line, document}, why, fix}], skipped: []}\`;
\`skipped\` holds what was not looked at. When doctor cannot look it prints \`{ok: false, error}\`, as
[every command does](errors.md#with---json). \`--sarif\` prints the same as a SARIF log, which code review shows as
annotations (GitHub: \`github/codeql-action/upload-sarif\`).

\`--overlay\` takes \`base\`, the name of an overlay in this workspace's \`deploy/overlays\`, or the path of any folder. A
value with a slash in it is a path, relative to where you are: \`--overlay ./shop\` is a folder, \`--overlay shop\` is
\`deploy/overlays/shop\`. \`--file\` takes a file or folder and may be repeated. A folder without a kustomization is read as
\`kubectl apply -f\` reads it; one whose kustomization only lists files is read as it is; any other is rendered with
\`$KUSTOMIZE\`, \`kustomize\` or \`kubectl kustomize\`, whichever is installed. The gateway's pods, read timeout and app id
come from the values of its Helm chart: those in \`deploy/platform/kong\`, or \`--kong-values\`.

With \`--context\` doctor applies the same rules to the objects in the cluster, and further ones to their status. It only
lists objects: it changes nothing and reads no Secret. It looks at the namespaces in which the plugin is used, at the
gateway's, and at those that \`--namespace\` names.
`;

type Described = Pick<Rule, "code" | "topic" | "severity" | "why" | "fix">;

/** docs/doctor.md */
export function doctorPage(): string {
  const all: readonly Described[] = [...rules, ...liveRules];
  const sections = Object.entries(topics).map(([topic, title]) => {
    const entries = all
      .filter((rule) => rule.topic === topic)
      .map(
        ({ code, severity, why, fix }) =>
          `### ${code}\n\n${wrap(`**${severity}** ${why}`)}\n\n${wrap(fix)}\n`,
      );
    return entries.length === 0 ? "" : [`## ${title}\n`].concat(entries).join("\n");
  });
  return [introduction, ...sections.filter((section) => section !== "")].join("\n");
}

const widest = 120;

function wrap(text: string): string {
  const lines = [""];
  // A line that began with one of these would be a list.
  for (const word of text.split(/ (?!\d+[.)](?: |$)|[-+*#>])/)) {
    const line = lines.at(-1) ?? "";
    if (line !== "" && line.length + 1 + word.length > widest) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.join("\n");
}
