import { liveRules } from "../live/rules/index.ts";
import { type Rule, topics } from "./rule.ts";
import { rules } from "./rules/index.ts";

const introduction = `<!-- Generated from the rules in apps/cli/src: change those, then run \`vitest run apps/cli/src/doctor -u\`. -->

# What doctor finds

    npx -y pnpm@10.34.9 kong-serverless doctor --overlay staging    # what would be applied, without a cluster
    npx -y pnpm@10.34.9 kong-serverless doctor --file deploy.yaml --file keda/    # files and folders
    kubectl kustomize DIR | npx -y pnpm@10.34.9 --silent kong-serverless doctor --file - --json
    npx -y pnpm@10.34.9 kong-serverless doctor --context kind-dev   # a live cluster, and its queues where credentials are there

It knows three answers. **Wrong** is listed as a finding, and it exits 1. **Not looked at** is listed with the reason: what the manifests do
not tell is not taken for wrong. **Fine** is the rest: with nothing wrong it exits 0. When it could not look at all it exits 2, with an error
that names the file, the document and the line.

An **error** does not work; a **warning** works worse than it could, or stops working under load.

\`--json\` prints \`{ok, findings: [{code, severity, what, where: {file, path, line, document}, why, fix}], skipped: []}\`; what was not looked
at is in \`skipped\`. \`--sarif\` prints the same as a SARIF log, which code review shows as annotations (GitHub:
\`github/codeql-action/upload-sarif\`).

\`--overlay\` names \`base\`, an overlay in \`deploy/overlays\` or the path of a folder. \`--file\` takes a file or folder and may be repeated. A folder
without a kustomization is read as \`kubectl apply -f\` reads it; one whose kustomization only lists files is read as it is; any other one is
rendered with \`$KUSTOMIZE\`, \`kustomize\` or \`kubectl kustomize\`, whichever is there. What the gateway is like (its pods, its read timeout, its
app id) it learns from the values of its Helm chart: \`deploy/platform/kong\`, or \`--kong-values\`.

With \`--context\` the same rules look at what is applied, and more at what the cluster makes of it. It asks for lists, changes nothing and
reads no Secret. It looks in the namespaces in which the plugin is used, in that of the gateway, and where \`--namespace\` says.
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
