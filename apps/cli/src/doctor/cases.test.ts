import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { runCli } from "../testing/run-cli.ts";
import { workspaceRoot } from "../testing/workspace-root.ts";
import type { Diagnosis } from "./diagnosis.ts";

const base = globSync("deploy/base/*.yaml", { cwd: workspaceRoot })
  .filter((file) => !file.endsWith("kustomization.yaml"))
  .toSorted()
  .map((file) => readFileSync(join(workspaceRoot, file), "utf8"))
  .join("---\n");

/** A change to deploy/base, as one text. */
type Edit = (text: string) => string;
const replace =
  (from: string | RegExp, to: string): Edit =>
  (text) => {
    const changed = text.replace(from, to);
    if (changed === text) throw new Error(`the base has no ${String(from)}`);
    return changed;
  };
const all =
  (...edits: readonly Edit[]): Edit =>
  (text) =>
    edits.reduce((edited, edit) => edit(edited), text);
const add =
  (text: string): Edit =>
  (before) =>
    `${before}---\n${text}`;

const pluginElsewhere = all(
  replace(/(name: serverless-demo-backend\n\s+namespace: )kong-serverless/, "$1gateway-plugins"),
  replace("konghq.com/plugins: serverless", "konghq.com/plugins: gateway-plugins:serverless"),
);
const grant = add(`apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: { name: plugins, namespace: gateway-plugins }
spec:
  from: [{ group: networking.k8s.io, kind: Ingress, namespace: kong-serverless }]
  to: [{ group: configuration.konghq.com, kind: KongPlugin }]
`);
const route = /apiVersion: networking.k8s.io\/v1\nkind: Ingress\n[^]*?(?=---)/;
const httpRoute = (port: number) => `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: demo-backend, namespace: kong-serverless }
spec:
  parentRefs: [{ name: kong }]
  rules:
    - matches: [{ path: { type: PathPrefix, value: / } }]
      filters:
        - type: ExtensionRef
          extensionRef: { group: configuration.konghq.com, kind: KongPlugin, name: serverless-demo-backend }
      backendRefs: [{ name: demo-backend, port: ${port} }]
`;
const queueInEnvFrom = replace(
  /env:\n(\s+- name: OPS_HOST[^]*?)- name: QUEUE_NAME\n\s+value: jobs\n\s+(?=- name)/,
  "envFrom: [{ configMapRef: { name: worker } }]\n          env:\n$1",
);
const usual = "https://sqs.eu-west-1.amazonaws.com/123456789012";
const consumerQueue = (url: string) =>
  replace(
    "- name: QUEUE_NAME\n              value: jobs",
    `- name: QUEUE_URL\n              value: ${url}/jobs`,
  );

/** What people write, and the findings that are right. */
const cases: readonly [what: string, edit: Edit, codes: readonly string[]][] = [
  [
    "an unquoted number in a trigger",
    replace('queueLength: "1000"', "queueLength: 1000"),
    ["FIELD_TYPE_WRONG"],
  ],
  [
    "an unquoted and too large number in an environment",
    replace(/(name: CONCURRENCY\n\s+value: )"2"/, "$15000"),
    ["FIELD_TYPE_WRONG", "ENVIRONMENT_INVALID"],
  ],
  [
    "a queue's URL in the consumer's own variable",
    all(consumerQueue(usual), replace("queueURL: jobs", "queueURLFromEnv: QUEUE_URL")),
    [],
  ],
  ["a plugin of another namespace that grants it", all(pluginElsewhere, grant), []],
  ["a plugin of another namespace that does not", pluginElsewhere, ["PLUGIN_NOT_GRANTED"]],
  ["a plugin through an HTTPRoute's filter", replace(route, httpRoute(80)), []],
  ["an HTTPRoute to a port that is not there", replace(route, httpRoute(81)), ["SERVICE_NOT_FOUND"]],
  ["a least count above the most", replace("minReplicaCount: 0", "minReplicaCount: 6"), ["KEDA_REFUSES"]],
  [
    "labels by a merge key",
    all(
      replace(/(name: demo-backend\n\s+namespace: kong-serverless\n\s+labels:)/, "$1 &labels"),
      replace(
        /(template:\n\s+metadata:\n\s+labels:\n\s+)app.kubernetes.io\/name: demo-backend/,
        "$1<<: *labels",
      ),
    ),
    [],
  ],
  [
    "an environment through envFrom",
    all(
      queueInEnvFrom,
      add(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: worker, namespace: kong-serverless }\ndata: { QUEUE_NAME: jobs }\n",
      ),
    ),
    [],
  ],
  [
    "a variable made of another one",
    replace(
      "- name: QUEUE_NAME\n              value: jobs",
      "- name: PREFIX\n              value: jo\n            - name: QUEUE_NAME\n              value: $(PREFIX)bs",
    ),
    [],
  ],
  [
    "a setting of the ScaledObject in a trigger's metadata",
    replace('queueLength: "1000"', 'queueLength: "1000"\n        cooldownPeriod: "60"'),
    ["FIELD_MISPLACED"],
  ],
  [
    "queue URLs of another region",
    all(
      replace(
        "queueURL: wake-demo-backend",
        `queueURL: ${usual.replace("eu-west", "us-east")}/wake-demo-backend`,
      ),
      consumerQueue(usual.replace("eu-west", "us-east")),
    ),
    ["REGION_MISMATCH"],
  ],
  [
    "another plugin beside, which a platform may have for the whole cluster",
    replace("konghq.com/plugins: serverless", "konghq.com/plugins: rate-limit, serverless"),
    [],
  ],
  [
    "the plugin on the Service",
    all(
      replace(/\s+konghq.com\/plugins: serverless-demo-backend/, ""),
      replace(
        "ingress.kubernetes.io/service-upstream",
        "konghq.com/plugins: serverless-demo-backend\n    ingress.kubernetes.io/service-upstream",
      ),
    ),
    [],
  ],
  ["a port by its name", replace("number: 80", "name: http"), []],
  [
    "a queue by its whole URL",
    replace("queueURL: wake-demo-backend", `queueURL: ${usual}/wake-demo-backend`),
    [],
  ],
  [
    "a custom resource that is scaled",
    replace(
      /scaleTargetRef:\n\s+name: consumer/,
      "scaleTargetRef:\n    apiVersion: argoproj.io/v1alpha1\n    kind: Rollout\n    name: consumer",
    ),
    [],
  ],
  [
    "a trigger of another kind beside",
    replace(
      "    # One to many",
      '    - type: prometheus\n      metadata: { serverAddress: "http://p", query: up, threshold: "1" }\n    # One to many',
    ),
    [],
  ],
];

const diagnose = async (input: string) => {
  const { code, stdout } = await runCli(
    [
      "doctor",
      "--file",
      "-",
      "--json",
      "--kong-values",
      join(workspaceRoot, "deploy/platform/kong/values.yaml"),
    ],
    { input },
  );
  return { code, ...(JSON.parse(stdout) as Diagnosis) };
};

describe("doctor, on what people write", () => {
  test("finds nothing in the base as one text", async () => {
    expect(await diagnose(base)).toEqual({ code: 0, ok: true, findings: [], skipped: [] });
  });

  test.each(cases)("gives the right answer to %s", async (_, edit, codes) => {
    const { findings, code } = await diagnose(edit(base));
    expect(new Set(findings.map((finding) => finding.code))).toEqual(new Set(codes));
    expect(findings.every(({ where }) => (where.line ?? 0) > 0)).toBe(true);
    expect(code).toBe(codes.length === 0 ? 0 : 1);
  });

  test("does not take what it cannot know for wrong, and says so", async () => {
    const { ok, skipped } = await diagnose(
      all(
        replace(/scaleTargetRef:\n\s+name: consumer/, "scaleTargetRef: { kind: Rollout, name: consumer }"),
        replace("konghq.com/plugins: serverless", "konghq.com/plugins: rate-limit, serverless"),
      )(base),
    );
    expect(ok).toBe(true);
    expect(skipped).toEqual([
      expect.stringContaining("plugin rate-limit"),
      expect.stringContaining("Rollout kong-serverless/consumer"),
    ]);
  });

  test("finds nothing wrong in a part of the system, and says what is not there", async () => {
    const part = readFileSync(join(workspaceRoot, "deploy/base/demo-backend-route.yaml"), "utf8");
    const { findings, skipped } = await diagnose(part);
    expect(findings).toEqual([]);
    expect(skipped.join("\n")).toMatch(/Component[^]*Service[^]*ScaledObject/);
  });

  test("prints SARIF with the line of each finding", async () => {
    const { stdout, code } = await runCli(["doctor", "--file", "-", "--sarif"], {
      input: replace("minReplicaCount: 0", "minReplicaCount: 6")(base),
    });
    const sarif = JSON.parse(stdout) as { version: string; runs: { results: object[] }[] };
    expect(sarif.version).toBe("2.1.0");
    expect(sarif.runs[0]?.results).toMatchObject([
      {
        ruleId: "KEDA_REFUSES",
        level: "error",
        locations: [
          {
            physicalLocation: {
              artifactLocation: { uri: "stdin" },
              region: { startLine: expect.any(Number) },
            },
          },
        ],
      },
    ]);
    expect(code).toBe(1);
  });

  test("writes control characters from manifests out", async () => {
    const { stdout } = await runCli(["doctor", "--file", "-"], {
      input: replace("queueURL: jobs", 'queueURL: "wo\\e[2Jrk\\nnothing found."')(base),
    });
    expect(stdout).toContain("wo\\u001b[2Jrk\\u000anothing found.");
    expect(stdout).not.toContain("\u001B");
  });
});
