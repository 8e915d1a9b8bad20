import { isDeepStrictEqual } from "node:util";

import { type BackendSettings, ConfigError, parseConfig } from "@kong-serverless/config";
import {
  type Manifest,
  type Manifests,
  pluginReferences,
  queueName,
  readGateway,
  readSystem,
  resolvePlugin,
  type ServiceRoute,
  type Scaler,
  type System,
  title,
  valueIn,
  type Workload,
} from "@kong-serverless/manifests";
import type { z } from "zod";

import { readPause } from "../autoscaler/pause.ts";
import {
  type Component,
  type ContainerSpec,
  type Deployment,
  kinds,
  type KongPlugin,
  type ScaledObject,
  scaledObjectTrigger,
  type KubernetesService,
} from "./kinds.ts";
import { leftOut, type NotPlayed, notPlayed, formatNotPlayed } from "./not-played.ts";

/** A workload that KEDA scales, with the ScaledObject that says how. */
interface ScaleTarget {
  readonly name: string;
  readonly deployment: Deployment;
  readonly scaledObject: ScaledObject;
  /** The plugin's backend that it serves; undefined for a worker, whose queue holds work. */
  readonly backend: BackendSettings | undefined;
}

/** A path of an Ingress or HTTPRoute, with its Service and the plugin in front of it. */
export interface IngressRoute {
  readonly name: string;
  readonly host: string | undefined;
  readonly path: string;
  readonly pathType: ServiceRoute["pathType"];
  readonly stripPath: boolean;
  readonly service: KubernetesService;
  readonly servicePort: number;
  readonly plugin: KongPlugin | undefined;
}

/** The manifests, joined by the names that they refer to each other by. */
export interface Cluster {
  readonly scaleTargets: readonly ScaleTarget[];
  readonly routes: readonly IngressRoute[];
  readonly services: readonly KubernetesService[];
  readonly plugins: readonly KongPlugin[];
  /** Every backend of the plugins, with its defaults resolved. */
  readonly backends: readonly BackendSettings[];
  readonly pubsub: Component;
  /** The port of the gateway's pods where KEDA listens for wakes; undefined without instant wakes. */
  readonly scalerPort: number | undefined;
  /** What the manifests say and the playground does not play. */
  readonly notPlayed: readonly NotPlayed[];
}

/** Kinds without a counterpart in the playground: identities, network policies, namespaces. */
const kindsWithoutRole = new Set([
  "ClusterTriggerAuthentication",
  "Gateway",
  "GatewayClass",
  "IngressClass",
  "Namespace",
  "NetworkPolicy",
  "PodDisruptionBudget",
  "ReferenceGrant",
  "ServiceAccount",
  "TriggerAuthentication",
]);
/** Kinds that are read as routes and scalers, or where others refer to them. */
const kindsReadElsewhere = new Set(["ConfigMap", "HTTPRoute", "Ingress", "ScaledObject", "Secret"]);

/**
 * Joins the manifests into what can be played, and notes the rest. Throws a ConfigError with the reasons if nothing is
 * left.
 */
export function joinCluster(manifests: Manifests): Cluster {
  const system = readSystem(manifests, readGateway());
  const cluster = new ClusterReader(system).read();
  if (cluster.scaleTargets.length > 0 || cluster.routes.length > 0) return cluster;
  throw new ConfigError(
    "Nothing is left to play: what the manifests hold",
    cluster.notPlayed.map((note) => formatNotPlayed(note)),
  );
}

/** The queues that a ScaledObject watches. A queue is named after the topic that it is subscribed to. */
export function queuesOf({ spec }: ScaledObject): string[] {
  return spec.triggers.flatMap((trigger) =>
    trigger.type === "aws-sqs-queue" ? [trigger.metadata.queueURL] : [],
  );
}

type EnvironmentEntry = ContainerSpec["env"][number];

class ClusterReader {
  readonly #system: System;
  readonly #notPlayed: NotPlayed[] = [];
  readonly #deployments = new Map<Manifest, Deployment>();
  readonly #services = new Map<Manifest, KubernetesService>();
  readonly #plugins = new Map<Manifest, KongPlugin>();
  readonly #components = new Map<Manifest, Component>();

  constructor(system: System) {
    this.#system = system;
  }

  read(): Cluster {
    const { manifests, plugins, backends } = this.#system;
    for (const text of manifests.leftOut) {
      this.#notPlayed.push({
        object: text,
        field: undefined,
        why: "it was not read",
        meaning: "it is missing",
      });
    }
    for (const manifest of manifests.all) this.#read(manifest);
    for (const { manifest, issues } of plugins) {
      for (const issue of issues) {
        this.#note(manifest, "config", issue, "its routes are played without it");
      }
    }
    return {
      scaleTargets: this.#scaleTargets(),
      routes: this.#system.routes.flatMap((route) => this.#routes(route)),
      services: manifests.of("Service").flatMap((service) => this.#services.get(service) ?? []),
      plugins: plugins.flatMap(({ manifest }) => this.#plugins.get(manifest) ?? []),
      backends: backends.map(({ settings }) => settings),
      pubsub: this.#pubsub(),
      scalerPort: scalerPortOf(manifests),
      notPlayed: this.#notPlayed,
    };
  }

  #note(...args: Parameters<typeof notPlayed>): void {
    this.#notPlayed.push(notPlayed(...args));
  }

  /** Reads an object of a kind that is played; notes what is not. */
  #read(manifest: Manifest): void {
    const { kind, root } = manifest;
    if (kind === "Deployment") this.#keep(manifest, kinds.Deployment, this.#deployments);
    else if (kind === "StatefulSet") this.#keep(manifest, kinds.StatefulSet, this.#deployments);
    else if (kind === "Service") this.#keep(manifest, kinds.Service, this.#services);
    else if (kind === "Component") this.#readComponent(manifest);
    else if (kind === "KongPlugin" || kind === "KongClusterPlugin") this.#readPlugin(manifest);
    else if (!kindsWithoutRole.has(kind) && !kindsReadElsewhere.has(kind)) {
      this.#note(manifest, undefined, "the playground does not play its kind", "it is ignored");
    } else if (root.at("spec", "defaultBackend", "resource").exists) {
      this.#note(manifest, root.at("spec", "defaultBackend"), "it is not a Service", "it is ignored");
    }
  }

  #readComponent(manifest: Manifest): void {
    if ((manifest.root.at("spec", "type").text ?? "").startsWith("pubsub.")) {
      this.#keep(manifest, kinds.Component, this.#components);
    } else {
      this.#note(manifest, undefined, "it is not a pub/sub component", "it is ignored");
    }
  }

  #readPlugin(manifest: Manifest): void {
    if (this.#system.plugins.some((plugin) => plugin.manifest === manifest)) {
      this.#keep(manifest, kinds.KongPlugin, this.#plugins);
    } else {
      const plugin = manifest.root.at("plugin");
      const what = `${plugin.scalar ?? "a plugin without a name"} is Kong's`;
      this.#note(manifest, plugin, what, "requests pass without it");
    }
  }

  #keep<Schema extends z.ZodType>(
    manifest: Manifest,
    schema: Schema,
    into: { set(manifest: Manifest, resource: z.output<Schema>): unknown },
  ): void {
    const { root, kind } = manifest;
    const value =
      kind === "KongClusterPlugin" ? Object.assign({}, root.value, { kind: "KongPlugin" }) : root.value;
    const result = schema.safeParse(value);
    if (!result.success) {
      this.#noteIssues(manifest, schema, value);
      return;
    }
    into.set(manifest, result.data);
    for (const field of leftOut(root, result.data)) {
      this.#note(manifest, field, "the playground does not play it", "it is ignored");
    }
  }

  #noteIssues(manifest: Manifest, schema: z.ZodType, value: unknown): void {
    try {
      parseConfig(schema, value, manifest.name);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const issue of error.issues) {
        this.#note(manifest, undefined, issue, "it is ignored");
      }
    }
  }

  #scaleTargets(): ScaleTarget[] {
    const taken = new Set<Manifest>();
    const targets = this.#system.scalers.flatMap((scaler): ScaleTarget[] => {
      const { manifest, scaled, target } = scaler;
      const scaledObject = this.#scaledObject(scaler);
      if (scaledObject === undefined) return [];
      const place = manifest.root.at("spec", "scaleTargetRef", "name");
      if (scaled === undefined || target === undefined) {
        const own = this.#system.workloads.filter(
          (workload) => workload.manifest.namespace === manifest.namespace,
        );
        const names = own.map((workload) => workload.manifest.name).join(", ") || "none is defined";
        const why =
          scaled === undefined
            ? `found "${place.text ?? ""}"; allowed in namespace ${manifest.namespace}: ${names}`
            : `${title(scaled)} has no pod template`;
        this.#note(manifest, place, why, "nothing is scaled");
        return [];
      }
      const deployment = this.#deployment(target);
      if (deployment === undefined) return [];
      if (taken.has(scaled)) {
        this.#note(manifest, place, `${title(scaled)} is scaled already`, "the first ScaledObject counts");
        return [];
      }
      taken.add(scaled);
      this.#notePause(scaler, scaledObject);
      return [
        {
          name: target.manifest.name,
          deployment,
          scaledObject,
          backend: this.#system.backends.find(({ settings }) => isScaledFor(scaledObject, settings))
            ?.settings,
        },
      ];
    });
    for (const { manifest } of this.#system.workloads) {
      if (taken.has(manifest)) continue;
      this.#note(manifest, undefined, "no ScaledObject that is played scales it", "it does not run");
    }
    return targets;
  }

  /** With the triggers that can be played; undefined if it cannot be played at all. */
  #scaledObject({ manifest, queues }: Scaler): ScaledObject | undefined {
    const triggers: unknown[] = [];
    for (const place of manifest.root.at("spec", "triggers").items) {
      const queue = queues.find((candidate) => candidate.place.path === place.path);
      const value = queue?.broker === "sqs" ? withQueueName(place.value, queue.queue) : place.value;
      const result = scaledObjectTrigger.safeParse(value);
      const type = place.at("type").text ?? "of no type";
      if (result.success) {
        triggers.push(value);
        for (const field of leftOut(place, result.data)) {
          if (field.path.endsWith(".queueURLFromEnv")) continue;
          this.#note(manifest, field, "the playground does not play it", "it is ignored");
        }
      } else {
        const isKnown = ["aws-sqs-queue", "external-push", "metrics-api"].includes(type);
        const [issue] = result.error.issues;
        const why = isKnown
          ? `${issue?.path.join(".")}: ${issue?.message}`
          : `the playground has no ${type} trigger`;
        this.#note(manifest, place, why, "the other triggers decide without it");
      }
    }
    const { root } = manifest;
    const value = root.value as { spec?: object };
    const document = { ...value, spec: { ...value.spec, triggers } };
    const result = kinds.ScaledObject.safeParse(document);
    if (!result.success) {
      this.#noteIssues(manifest, kinds.ScaledObject, document);
      return undefined;
    }
    if (triggers.length === 0) {
      this.#note(manifest, root.at("spec", "triggers"), "none of them is played", "nothing wakes its target");
    }
    for (const field of leftOut(root, {
      ...result.data,
      spec: { ...result.data.spec, triggers: undefined },
    })) {
      this.#note(manifest, field, "the playground does not play it", "it is ignored");
    }
    return result.data;
  }

  /** With its container's environment, as far as the manifests have it. */
  #deployment({ manifest, containers }: Workload): Deployment | undefined {
    const deployment = this.#deployments.get(manifest);
    const [first, ...others] = deployment?.spec.template.spec.containers ?? [];
    const [container] = containers;
    if (deployment === undefined || first === undefined || container === undefined) return undefined;
    for (const other of others) {
      const why = `the playground runs one process per pod, that of ${first.name}`;
      this.#note(manifest, `container ${other.name}`, why, "it does not run");
    }
    const env = container.environment.flatMap(({ name, value, place, source }): EnvironmentEntry[] => {
      // A pod's own variables are expanded when it starts; those known now must not be.
      if (value !== undefined) return [{ name, value: value.replaceAll("$", "$$$$") }];
      const written = first.env.find((variable) => variable.name === name);
      if (source === "pod" || source === "text") return written === undefined ? [] : [written];
      const isOptional = ["configMapKeyRef", "secretKeyRef"].some(
        (field) => place.at("valueFrom", field, "optional").isTrue,
      );
      if (!isOptional)
        this.#note(manifest, place, `its ${source} is not among the manifests`, `${name} is not set`);
      return [];
    });
    const containersPlayed = [{ ...first, env }];
    const template = deployment.spec.template;
    return {
      ...deployment,
      spec: {
        ...deployment.spec,
        template: { ...template, spec: { ...template.spec, containers: containersPlayed } },
      },
    };
  }

  #notePause({ manifest, paused }: Scaler, { metadata }: ScaledObject): void {
    if (paused === undefined) return;
    const { isWhole, replicas = 0, isOut } = readPause(metadata.annotations);
    const held = "requests to it are held until their deadline";
    const meaning = isWhole
      ? `its target stays at ${replicas}${replicas === 0 ? `, and ${held}` : ""}`
      : isOut
        ? `its target gets no more replicas, and at 0 ${held}`
        : "its target keeps its replicas";
    this.#note(manifest, paused, "it is played as KEDA does", meaning);
  }

  #routes(route: ServiceRoute): IngressRoute[] {
    const { manifest, place, service: found, port, path } = route;
    const service = found && this.#services.get(found);
    if (service === undefined) {
      this.#note(
        manifest,
        place,
        `there is no Service ${route.serviceName ?? ""}`,
        `${path} is answered 404`,
      );
      return [];
    }
    if (!route.isServiceGranted) {
      const why = `the namespace of Service ${service.metadata.name} does not grant it`;
      this.#note(manifest, place, why, `${path} is answered 404`);
      return [];
    }
    const servicePort = service.spec.ports.find((candidate) =>
      typeof port.value === "string" ? candidate.name === port.value : candidate.port === port.value,
    )?.port;
    if (servicePort === undefined) {
      const ports = service.spec.ports.map((candidate) => candidate.port).join(", ");
      const why = `found ${String(port.scalar)}; allowed: a port of Service ${service.metadata.name} (${ports})`;
      this.#note(manifest, port, why, `${path} is answered 404`);
      return [];
    }
    if (route.isWeighted) {
      this.#note(
        manifest,
        place,
        "the playground takes a rule's first backend",
        "no request goes to this one",
      );
      return [];
    }
    for (const condition of route.conditions) {
      this.#note(manifest, condition, "the playground matches by host and path", "it is ignored");
    }
    const plugins = route.plugins.flatMap((plugin) => this.#plugins.get(plugin) ?? []);
    this.#noteMissingPlugins(route);
    const hosts = route.hosts.length === 0 ? [undefined] : route.hosts;
    return hosts.map((host, index) => ({
      name: index === 0 ? route.name : `${route.name}.${index}`,
      host,
      path,
      pathType: route.pathType,
      // The ingress controller's default.
      stripPath: manifest.root.at("metadata", "annotations", "konghq.com/strip-path").text === "true",
      service,
      servicePort,
      plugin: plugins[0],
    }));
  }

  #noteMissingPlugins({ manifest, service }: ServiceRoute): void {
    const { manifests } = this.#system;
    for (const reference of [manifest, service].flatMap((user) => (user ? pluginReferences(user) : []))) {
      const { plugin, isGranted } = resolvePlugin(manifests, reference);
      if (plugin !== undefined && isGranted) continue;
      const why =
        plugin === undefined
          ? `the plugin ${reference.name} is not among the manifests`
          : `the namespace of ${title(plugin)} does not grant it`;
      const isNoted = this.#notPlayed.some((note) => note.why === why);
      if (!isNoted) this.#note(reference.user, reference.place, why, "requests pass without it");
    }
  }

  /** One sidecar stands for those of all pods, so all namespaces should have the same component. */
  #pubsub(): Component {
    const { backends } = this.#system;
    const components = Array.from(this.#components, ([manifest, resource]) => ({ manifest, resource }));
    const wanted = backends.flatMap(({ settings }) => settings.wake?.pubsub ?? []);
    const first = components.find(({ resource }) => wanted.includes(resource.metadata.name)) ?? components[0];
    if (first === undefined) return standInComponent(wanted[0] ?? "pubsub");
    for (const { manifest, resource } of components) {
      const isSame =
        resource.metadata.name === first.resource.metadata.name &&
        isDeepStrictEqual(resource.spec, first.resource.spec);
      if (isSame) continue;
      const why = `the one sidecar here has ${title(first.manifest)}`;
      this.#note(manifest, undefined, why, "its publishers find it missing, or with other settings");
    }
    return first.resource;
  }
}

/** A component for manifests without one, so that backends that need none can be played. */
function standInComponent(name: string): Component {
  return kinds.Component.parse({
    apiVersion: "dapr.io/v1alpha1",
    kind: "Component",
    metadata: { name },
    spec: { type: "pubsub.aws.snssqs", version: "v1", metadata: [] },
  });
}

/** The trigger with its queue's bare name, under which the playground's broker has it. */
function withQueueName(trigger: unknown, queue: string | undefined): unknown {
  const { metadata, ...rest } = trigger as { metadata?: object };
  return { ...rest, metadata: { ...metadata, queueURL: queue } };
}

/** Whether one of the triggers watches the backend: its wake queue, its demand or its pushed wakes. */
function isScaledFor({ metadata, spec }: ScaledObject, { name, wake }: BackendSettings): boolean {
  return spec.triggers.some((trigger) => {
    switch (trigger.type) {
      case "metrics-api":
        return new URL(trigger.metadata.url).pathname === `/demand/${name}`;
      case "external-push":
        return (trigger.metadata.backend ?? metadata.name) === name;
      case "aws-sqs-queue":
        return wake !== undefined && trigger.metadata.queueURL === queueName(wake.topic);
    }
  });
}

/** Components add variables to the plugin server: see `envFrom` in deploy/platform/kong/values.yaml. */
function scalerPortOf(manifests: Manifests): number | undefined {
  const variables = manifests.find("ConfigMap", "kong", "kong-serverless-plugin-server");
  return Number(variables && valueIn(variables, "SCALER_PORT")) || undefined;
}
