import type { Diagnosis } from "./diagnosis.ts";

/**
 * A diagnosis as a SARIF log, which code review tools show next to the lines:
 * https://docs.oasis-open.org/sarif/sarif/v2.1.0/
 */
export function toSarif({ findings, skipped }: Diagnosis): object {
  const byCode = new Map(findings.map((finding) => [finding.code, finding]));
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "kong-serverless doctor",
            rules: [...byCode.values()].map(({ code, severity, why, fix }) => ({
              id: code,
              shortDescription: { text: why },
              help: { text: fix },
              defaultConfiguration: { level: severity },
            })),
          },
        },
        invocations: [
          {
            executionSuccessful: true,
            toolExecutionNotifications: skipped.map((text) => ({
              level: "note",
              message: { text: `Not looked at: ${text}` },
            })),
          },
        ],
        results: findings.map(({ code, severity, what, where, why, fix }) => ({
          ruleId: code,
          ruleIndex: [...byCode.keys()].indexOf(code),
          level: severity,
          message: { text: `${what}. ${why} ${fix}` },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: where.file.split("/").map(encodeURIComponent).join("/") },
                ...(where.line !== undefined && { region: { startLine: where.line } }),
              },
              logicalLocations: [{ fullyQualifiedName: where.path }],
            },
          ],
        })),
      },
    ],
  };
}
