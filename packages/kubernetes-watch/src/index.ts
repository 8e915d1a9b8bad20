export { type ApiServer, InClusterApiServer } from "./in-cluster-api-server.ts";
export { ServicePods } from "./service-pods.ts";
export { watchResources } from "./watch-resources.ts";
