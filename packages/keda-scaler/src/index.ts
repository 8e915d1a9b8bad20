export { ScalerServer, type ScalerTls } from "./scaler-server.ts";
