import type { CodeEntry } from "./code-entry.ts";
import { liveCodes } from "./live-codes.ts";
import { nameCodes } from "./name-codes.ts";
import { numberCodes } from "./number-codes.ts";

const introduction = `<!-- Generated from the tables of codes in apps/cli/src/doctor: change those, then run \`vitest run apps/cli/src/doctor -u\`. -->

# What doctor finds

    npx -y pnpm@10.34.9 kong-serverless doctor --overlay staging    # what would be applied, without a cluster
    kubectl kustomize DIR | npx -y pnpm@10.34.9 --silent kong-serverless doctor --file - --json
    npx -y pnpm@10.34.9 kong-serverless doctor --context kind-dev   # a live cluster, and its queues where credentials are there

It exits 0 when it finds nothing, 1 when it finds something and 2 when it could not look. \`--json\` prints
\`{ok, findings: [{code, severity, what, where: {file, path}, why, fix}], skipped: []}\`; what could not be looked at is in \`skipped\`.

\`--overlay\` names \`base\`, an overlay in \`deploy/overlays\` or the path of a kustomize folder. A folder that only lists files is read as it is; any other one is
rendered with \`$KUSTOMIZE\`, \`kustomize\` or \`kubectl kustomize\`, whichever is there. What the gateway is like (its pods, its read timeout, its app id) it learns
from the values of its Helm chart: \`deploy/platform/kong\`, or \`--kong-values\`.

With \`--context\` the same checks look at what is applied, and more at what the cluster makes of it. It asks for lists, changes nothing and
reads no Secret. It looks in the namespaces in which the plugin is used, in that of the gateway, and where \`--namespace\` says.

An **error** does not work; a **warning** works worse than it could, or stops working under load.
`;

/** docs/doctor.md */
export function doctorPage(): string {
  return [
    introduction,
    ...section("Names that must agree", nameCodes),
    ...section("Numbers that must fit", numberCodes),
    ...section("Live clusters", liveCodes),
  ].join("\n");
}

function section(title: string, codes: Readonly<Record<string, CodeEntry>>): string[] {
  const entries = Object.entries(codes).map(
    ([code, { severity, why, fix }]) => `### ${code}\n\n**${severity}** ${why}\n\n${fix}\n`,
  );
  return [`## ${title}\n`, ...entries];
}
