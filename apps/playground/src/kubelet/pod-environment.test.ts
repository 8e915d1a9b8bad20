import { expect, it } from "vitest";

import { kinds } from "../manifests/kinds.ts";
import { ClusterDns } from "../network/cluster-dns.ts";
import { podEnvironment } from "./pod-environment.ts";

const dns = new ClusterDns();
dns.add("kong", "gateway", 80, { host: "127.0.0.1", port: 8000 });

/** The environment of a pod whose container has these variables. */
function environment(...env: object[]) {
  return podEnvironment({
    deployment: kinds.Deployment.parse({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "app", namespace: "shop" },
      spec: {
        selector: { matchLabels: {} },
        template: {
          metadata: { labels: {} },
          spec: {
            containers: [{ name: "app", image: "app", ports: [{ containerPort: 8080 }], env }],
          },
        },
      },
    }),
    podName: "app-1",
    ports: new Map([[8080, 41_234]]),
    dns,
    queueUrl: (name) => `http://127.0.0.1:4566/000000000000/${name}`,
    injected: { DAPR_HTTP_PORT: "3500" },
  });
}

const field = (fieldPath: string) => ({ valueFrom: { fieldRef: { fieldPath } } });
it("has the injected variables and the manifest's, which win", () => {
  expect(environment({ name: "A", value: "1" })).toEqual({ A: "1", DAPR_HTTP_PORT: "3500" });
  expect(environment({ name: "DAPR_HTTP_PORT", value: "3501" })).toEqual({ DAPR_HTTP_PORT: "3501" });
});

it("gives the pod's own port for a variable that holds a container port", () => {
  expect(
    environment(
      { name: "PORT", value: "8080" },
      { name: "OTHER", value: "8081" },
      { name: "EMPTY", value: "" },
    ),
  ).toMatchObject({ PORT: "41234", OTHER: "8081", EMPTY: "" });
});

it("translates a Service's URL or host to its address on this machine", () => {
  expect(
    environment(
      { name: "URL", value: "http://gateway.kong.svc/jobs" },
      { name: "HOST", value: "gateway.kong.svc:80" },
      { name: "ELSEWHERE", value: "https://example.com" },
    ),
  ).toMatchObject({
    URL: "http://127.0.0.1:8000/jobs",
    HOST: "127.0.0.1:8000",
    ELSEWHERE: "https://example.com",
  });
});

it("reads fields of the pod, and expands earlier variables", () => {
  expect(
    environment(
      { name: "IP", ...field("status.podIP") },
      { name: "NAME", ...field("metadata.name") },
      { name: "NAMESPACE", ...field("metadata.namespace") },
      { name: "ME", value: "$(NAME) at $(IP), not $(LATER) or $$(NAME)" },
      { name: "LATER", value: "1" },
    ),
  ).toMatchObject({
    IP: "127.0.0.1",
    NAME: "app-1",
    NAMESPACE: "shop",
    ME: "app-1 at 127.0.0.1, not $(LATER) or $(NAME)",
  });
});

it("replaces a queue of SQS by the playground's", () => {
  const value = "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs";
  expect(environment({ name: "QUEUE_URL", value })).toMatchObject({
    QUEUE_URL: "http://127.0.0.1:4566/000000000000/jobs",
  });
});
