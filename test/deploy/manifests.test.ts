import { kustomize, needs } from "@kong-serverless/testing";
import { describe, expect, test } from "vitest";

import { crdFolder, definitions, readCrdChecks } from "../observability/crd-schemas.ts";
import { typeFaultsOf, isKubernetes } from "./kubernetes-kinds.ts";
import { requireKustomize, type KubernetesObject, renderAll, renderings, titleOf } from "./rendering.ts";

const command = requireKustomize();
const rendered = command === undefined ? undefined : renderAll(command);

const crdFolders = ["keda", "dapr", "kong", "prometheus-operator"].flatMap((name) => crdFolder(name) ?? []);

const all = (): [title: string, object: KubernetesObject][] =>
  [...(rendered ?? [])].flatMap(([rendering, objects]) =>
    objects.map((object): [string, KubernetesObject] => [`${rendering}: ${titleOf(object)}`, object]),
  );
const some = (...kinds: readonly string[]) => all().filter(([, { kind }]) => kinds.includes(kind));

interface RenderedContainer {
  readonly name: string;
  readonly image: string;
  readonly securityContext?: Readonly<Record<string, unknown>>;
}
interface RenderedPodSpec {
  readonly automountServiceAccountToken?: boolean;
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly containers: readonly RenderedContainer[];
}
const podSpecOf = (object: KubernetesObject) =>
  (object as unknown as { spec: { template: { spec: RenderedPodSpec } } }).spec.template.spec;
const workloads = () => some("Deployment", "StatefulSet", "Job");

describe("everything that is applied", needs(kustomize()), () => {
  test.each(renderings)("is rendered: %s", (name) => {
    expect(rendered?.get(name)?.length).toBeGreaterThan(10);
  });

  test("is valid, if it is of Kubernetes' own kinds", () => {
    expect(typeFaultsOf(all().filter(([, object]) => isKubernetes(object)))).toEqual([]);
  });

  test("names its namespace", () => {
    const without = all().filter(
      ([, { kind, metadata }]) => metadata.namespace === undefined && kind !== "Namespace",
    );
    expect(without.map(([title]) => title)).toEqual([]);
  });

  test("leaves the replicas of what KEDA scales to KEDA", () => {
    const targets = new Set(some("ScaledObject").map(([, { metadata }]) => metadata.name));
    const fixed = some("Deployment").filter(
      ([, { metadata, spec }]) =>
        targets.has(metadata.name) && (spec as { replicas?: number }).replicas !== undefined,
    );
    expect(fixed.map(([title]) => title)).toEqual([]);
  });

  test("runs without root, without rights and without a token for the Kubernetes API", () => {
    for (const [, object] of workloads()) {
      const spec = podSpecOf(object);
      expect({ of: titleOf(object), ...spec }).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      });
      for (const container of spec.containers) {
        expect(container).toMatchObject({
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
        });
      }
    }
  });

  test("has a read-only root file system, except where skaffold copies sources in", () => {
    const writing = workloads().filter(([, object]) =>
      podSpecOf(object).containers.some(
        ({ securityContext }) => securityContext?.["readOnlyRootFilesystem"] !== true,
      ),
    );
    expect(writing.map(([title]) => title)).toEqual([
      "overlay live: Deployment kong-serverless/consumer",
      "overlay live: Deployment kong-serverless/demo-backend",
    ]);
  });

  test("lets only those connect who are named", () => {
    const open = [...(rendered ?? [])].filter(
      ([, objects]) =>
        !objects.some(({ kind, metadata, spec }) => {
          const { podSelector, ingress } = (spec ?? {}) as { podSelector?: object; ingress?: object };
          const isForAll = JSON.stringify(podSelector) === "{}" && ingress === undefined;
          return kind === "NetworkPolicy" && metadata.namespace === "kong-serverless" && isForAll;
        }),
    );
    expect(open.map(([name]) => name)).toEqual([]);
  });
});

describe("custom resources", needs(kustomize(), definitions("keda")), () => {
  const checks = new Map(crdFolders.flatMap((folder) => Array.from(readCrdChecks(folder))));
  const faults = (object: KubernetesObject) => {
    const check = checks.get(`${object.apiVersion}/${object.kind}`);
    if (check === undefined) return [`no definition of ${object.apiVersion}/${object.kind}`];
    check(object);
    return check.errors ?? [];
  };

  test("match their definitions, without unknown fields", () => {
    const customs = all().filter(([, object]) => !isKubernetes(object));
    const found = customs.flatMap(([title, object]) => faults(object).map((fault) => ({ title, fault })));
    expect(found).toEqual([]);
  });

  test("would not pass with an unknown field", () => {
    const [, scaledObject] = some("ScaledObject")[0] ?? [];
    expect(scaledObject).toBeDefined();
    const spec = { ...(scaledObject?.["spec"] as object), pollIntervall: 1 };
    expect(faults({ ...scaledObject, spec } as KubernetesObject)).not.toEqual([]);
  });
});

test("an unknown field, one of the wrong type and a missing one are faults", () => {
  const container = { name: "a", image: "a" };
  const deployment = (spec: object): KubernetesObject => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "a" },
    spec: { selector: {}, template: { spec: { containers: [container] } }, ...spec },
  });
  const faults = typeFaultsOf([
    ["right", deployment({})],
    ["unknown", deployment({ replica: 1 })],
    ["type", deployment({ replicas: "1" })],
    ["missing", deployment({ template: { spec: {} } })],
  ]);
  expect(faults.filter((line) => line.startsWith("unknown:"))).toHaveLength(1);
  expect(faults.filter((line) => line.startsWith("type:"))).toHaveLength(1);
  expect(faults.filter((line) => line.startsWith("missing:"))).not.toEqual([]);
  expect(faults.filter((line) => line.startsWith("right:"))).toEqual([]);
});
