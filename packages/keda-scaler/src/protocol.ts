export { ExternalScalerClient } from "./external-scaler-client.ts";
