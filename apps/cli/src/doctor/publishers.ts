import {
  type ConfiguredBackend,
  gatewayNamespace,
  type Place,
  type System,
  title,
  variablePlace,
} from "@kong-serverless/manifests";

/** A sender of messages through a Dapr Component. */
export interface Publisher {
  readonly title: string;
  readonly pubsub: string;
  readonly place: Place;
  /** Undefined if the gateway's namespace is not known. */
  readonly namespace: string | undefined;
  readonly appId: string | undefined;
}

/** The gateway, once for each backend that it wakes, and the apps that publish. */
export function publishersIn(system: System): Publisher[] {
  const gateways = system.backends.flatMap((backend) => gatewayPublisher(system, backend) ?? []);
  const apps = system.apps.demoBackends.flatMap((app) => {
    const { workload, settings } = app;
    if (settings === undefined) return [];
    return {
      title: title(workload.manifest),
      pubsub: settings.PUBSUB_NAME,
      place: variablePlace(app, "PUBSUB_NAME"),
      namespace: workload.manifest.namespace,
      appId: workload.annotations.get("dapr.io/app-id"),
    };
  });
  return [...gateways, ...apps];
}

function gatewayPublisher(
  system: System,
  { settings: { wake, name }, place }: ConfiguredBackend,
): Publisher | undefined {
  if (wake === undefined) return undefined;
  return {
    title: `The gateway, for backend ${name},`,
    pubsub: wake.pubsub,
    place: place.at("pubsub"),
    namespace: gatewayNamespace(system),
    appId: system.gateway.appId,
  };
}
