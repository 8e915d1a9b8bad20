export { ExternalScalerClient, type TriggerReference } from "./external-scaler-client.ts";
