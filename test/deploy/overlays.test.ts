import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { kustomize, needs } from "@kong-serverless/testing";
import { describe, expect, test } from "vitest";

import { requireKustomize, type KubernetesObject, renderAll, root, titleOf } from "./rendering.ts";

const command = requireKustomize();
const rendered = command === undefined ? undefined : renderAll(command);

interface TriggerManifest {
  readonly type: string;
  readonly metadata: Readonly<Record<string, string>>;
}

const of = (rendering: string, kind: string) =>
  rendered?.get(rendering)?.filter((object) => object.kind === kind) ?? [];
const triggersOf = (object: KubernetesObject) => (object["spec"] as { triggers: TriggerManifest[] }).triggers;
const triggers = (rendering: string) => of(rendering, "ScaledObject").flatMap(triggersOf);

describe("the overlays", needs(kustomize()), () => {
  test.each(["overlay dev", "overlay dev with fair-jobs"])(
    "need nothing outside the cluster for %s",
    (dev) => {
      const sqs = triggers(dev).filter(({ type }) => type === "aws-sqs-queue");
      for (const { metadata } of sqs) {
        expect(metadata["awsEndpoint"]).toBe("http://sqs-emulator.kong-serverless.svc:4566");
      }
      expect(JSON.stringify(rendered?.get(dev))).not.toContain("amazonaws");
    },
  );

  test.each(["overlay dev", "overlay staging"])("treat every consumer alike in %s", (overlay) => {
    const deployments = of(`${overlay} with fair-jobs`, "Deployment") as unknown as {
      metadata: { name: string };
      spec: { template: { spec: { containers: { env: { name: string }[]; resources?: object }[] } } };
    }[];
    const [consumer, bulk] = ["consumer", "bulk-consumer"].map((name) => {
      const [container] =
        deployments.find(({ metadata }) => metadata.name === name)?.spec.template.spec.containers ?? [];
      return { env: container?.env.map((variable) => variable.name), resources: container?.resources };
    });
    expect(consumer?.env).toContain("QUEUE_NAME");
    expect(bulk).toEqual(consumer);
  });

  test.each(["overlay staging", "overlay staging with fair-jobs"])(
    "name the region of %s once",
    (staging) => {
      const { data } = of(staging, "ConfigMap")[0] as unknown as { data: { region: string } };
      const { region } = data;
      const inTriggers = triggers(staging).flatMap(({ metadata }) => metadata["awsRegion"] ?? []);
      expect(new Set(inTriggers)).toEqual(new Set([region]));
      for (const component of of(staging, "Component")) {
        expect(component["spec"]).toMatchObject({
          metadata: expect.arrayContaining([{ name: "region", value: region }]),
        });
      }
      // The base's own region is gone from everywhere.
      expect(JSON.stringify(rendered?.get(staging))).not.toContain("eu-west-1");
    },
  );

  test("leave no wake queue behind if demand alone wakes", () => {
    const scaledObject = of("base with demand-only", "ScaledObject").find(
      ({ metadata }) => metadata.name === "demo-backend",
    );
    expect(scaledObject && triggersOf(scaledObject).map(({ type }) => type)).toEqual(["metrics-api"]);
    expect(JSON.stringify(of("base with demand-only", "KongPlugin"))).not.toMatch(/topic|pubsub/);
    expect(of("base with demand-only", "Component").map(titleOf)).toEqual([
      "Component kong-serverless/kong-serverless-pubsub",
    ]);
  });

  test("add a push trigger, last, and all that it needs from the gateway", () => {
    const scaledObject = of("base with instant-wake", "ScaledObject").find(
      ({ metadata }) => metadata.name === "demo-backend",
    );
    const added = scaledObject && triggersOf(scaledObject);
    expect(added?.map(({ type }) => type)).toEqual(["aws-sqs-queue", "metrics-api", "external-push"]);
    const [{ data } = {}] = of("base with instant-wake", "ConfigMap").filter(
      ({ metadata }) => metadata.name === "kong-serverless-plugin-server",
    ) as { data?: Record<string, string> }[];
    const port = Number(data?.["SCALER_PORT"]);
    const services = of("base with instant-wake", "Service")
      .filter(({ spec }) => (spec as { ports: { port: number }[] }).ports.some((one) => one.port === port))
      .map(({ metadata }) => `${metadata.name}.${metadata.namespace}.svc:${port}`);
    expect(services).toContain(added?.at(-1)?.metadata["scalerAddress"]);
    expect(services).toContain(data?.["SCALER_PEERS"]);
    const policies = of("base with instant-wake", "NetworkPolicy").filter(
      ({ metadata }) => metadata.namespace === "kong",
    );
    expect(JSON.stringify(policies)).toContain(`"port":${port}`);
  });

  test("push the wakes of every backend, including those of a chain", () => {
    const pushed = of("base with chain, instant-wake", "ScaledObject").filter((object) =>
      triggersOf(object).some(({ type }) => type === "external-push"),
    );
    expect(pushed.map(({ metadata }) => metadata.name).toSorted()).toEqual(["demo-backend", "demo-store"]);
  });

  test("let RabbitMQ keep wake messages as long as SQS does, behind an exchange as Dapr declares it", () => {
    const topology = JSON.parse(
      readFileSync(join(root, "deploy/components/rabbitmq/20-topology.json"), "utf8"),
    ) as Record<string, object[]>;
    const name = triggers("base with rabbitmq").find(({ type }) => type === "rabbitmq")?.metadata[
      "queueName"
    ];
    expect(topology["exchanges"]).toMatchObject([
      { name, type: "fanout", durable: true, auto_delete: false },
    ]);
    expect(topology["queues"]).toMatchObject([{ name, arguments: { "x-message-ttl": 60_000 } }]);
    expect(topology["bindings"]).toMatchObject([{ source: name, destination: name }]);
  });
});

describe("what is in Git", () => {
  const files = [...globSync("deploy/**/*.{yaml,json,conf,example}", { cwd: root }), "skaffold.yaml"];

  test("has no account number except the emulator's", () => {
    const numbers = files.flatMap(
      (file) => readFileSync(join(root, file), "utf8").match(/\b\d{12}\b/g) ?? [],
    );
    expect(new Set(numbers)).toEqual(new Set(["000000000000"]));
  });

  test("has no password: the file of each example is ignored", () => {
    const made = files
      .filter((file) => file.endsWith(".example"))
      .map((file) => file.replace(/\.example$/, ""));
    expect(made).toHaveLength(2);
    for (const list of [".gitignore", ".dockerignore"]) {
      const ignored = readFileSync(join(root, list), "utf8").split("\n");
      for (const file of made) expect(ignored).toContain(file);
    }
  });

  test.each(["generate-plugin-dump.ts", "generate-lua-plugin.ts", "generate-existing-kong.ts"])(
    "is what %s makes, up to date",
    (script) => {
      const { status, stderr } = spawnSync(process.execPath, [join(root, "scripts", script), "--check"], {
        encoding: "utf8",
        timeout: 60_000,
      });
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    },
  );
});
