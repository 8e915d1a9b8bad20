import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { needs, nginx, ScriptedApiServer, ScriptedBackend } from "@kong-serverless/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { config, useNginxTestSystem, useTestSystem } from "./testing/test-system.ts";

const collection = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices";
/** A name that cannot be looked up: as if Kubernetes had not noticed yet that the pod is ready. */
const serviceUrl = "http://demo.shop.svc:8081";

const forms = [
  { form: "over Kong's plugin protocol", useForm: useTestSystem, required: {} },
  { form: "in Lua", useForm: useNginxTestSystem, required: needs(nginx()) },
];

let cluster: ScriptedApiServer;
let pod: ScriptedBackend;
let folder: string;

beforeEach(async () => {
  cluster = await new ScriptedApiServer().start();
  pod = await new ScriptedBackend(503).start();
  folder = await mkdtemp(join(tmpdir(), "service-account-"));
  await writeFile(join(folder, "token"), cluster.token);
  await writeFile(join(folder, "ca.crt"), "");
});
afterEach(async () => {
  await pod.stop();
  await cluster.stop();
  await rm(folder, { recursive: true });
});

function addPod(): void {
  const { hostname, port } = new URL(pod.url);
  cluster.put(collection, {
    metadata: { name: "demo-1", labels: { "kubernetes.io/service-name": "demo" } },
    addressType: "IPv4",
    endpoints: [{ addresses: [hostname], conditions: { ready: false } }],
    ports: [{ port: Number(port) }],
  });
}

describe.each(forms)("the plugin $form", ({ useForm, required }) => {
  const startSystem = useForm();
  const startWatchingSystem = async (options: Parameters<typeof startSystem>[0] = {}) => {
    const env = {
      ENDPOINTSLICE_NAMESPACES: "shop",
      KUBERNETES_API_URL: cluster.url,
      KUBERNETES_ACCOUNT_FOLDER: folder,
    };
    const system = await startSystem({ serviceUrl, upstream: "127.0.0.1:1", env, ...options });
    await expect.poll(() => cluster.watches).toBe(1);
    return system;
  };

  test(
    "sends held requests, and those that follow, to a pod that is ready before its Service, under the Service's name",
    required,
    async () => {
      await using system = await startWatchingSystem();
      const held = [system.gateway.request(), system.gateway.request()];
      await system.waitForCount("activation.started", 1);
      addPod();
      await expect.poll(() => pod.probes).toBeGreaterThan(0);
      pod.become(200);
      const answers = [...(await Promise.all(held)), await system.gateway.request()];
      expect(pod.requests).toHaveLength(3);
      for (const answer of answers) {
        expect(answer.status).toBe(200);
        expect(answer.headers["server-timing"]).toContain("cold start");
        // `fetch`, which forwards in the one form, sets a host name of its own.
        const sent =
          "exchange" in answer
            ? { headers: answer.exchange.upstream.headers.applyTo({}) }
            : (JSON.parse(answer.body) as unknown);
        expect(sent).toMatchObject({ headers: { host: "demo.shop.svc:8081" } });
      }
      expect(pod.probedHost).toBe("demo.shop.svc:8081");
      expect(system.count("activation.pod_answered")).toBe(1);
      expect(await system.gateway.metric("serverless_endpoints_watched", { namespace: "shop" })).toBe(1);
      expect(await system.gateway.metric("serverless_backend_ready", { backend: "demo" })).toBe(0);
    },
  );

  test("probes a pod with the host name that the backend's probes have, if any", required, async () => {
    await using system = await startWatchingSystem({
      config: { ...config, probeHeaders: { Host: "demo.example" } },
    });
    const held = system.gateway.request();
    addPod();
    await expect.poll(() => pod.probes).toBeGreaterThan(0);
    pod.become(200);
    await held;
    expect(pod.probedHost).toBe("demo.example");
  });

  test("does not ask for endpoints without namespaces to watch", required, async () => {
    await using system = await startSystem({ env: { KUBERNETES_API_URL: cluster.url } });
    await system.warmUp();
    expect(cluster.asked).toEqual([]);
  });
});
