export { type ApiServer, InClusterApiServer, type InClusterOptions } from "./in-cluster-api-server.ts";
export { type EndpointAddress, ServicePods, type ServicePodsOptions } from "./service-pods.ts";
export { type WatchOptions, watchResources } from "./watch-resources.ts";
