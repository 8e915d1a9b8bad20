export { ScriptedScaler } from "./scripted-scaler.ts";
