export { AnsweringServer } from "./answering-server.ts";
export { isAlive } from "./is-alive.ts";
export { type KillStoryOutcome, killStories, playKillStory } from "./kill-story.ts";
export { bundleApp, type BundledApp, bundleOnce } from "./bundle-app.ts";
export {
  type ManifestCase,
  manifestCases,
  oneNamespaceFolder,
  readAsOneText,
  refusedManifests,
} from "./manifest-cases.ts";
export { RecordingLog } from "./recording-log.ts";
export { canRun, findKustomize, kustomize, linux, type Need, needs, nginx, openssl } from "./needs.ts";
export { QueueEmulator } from "./queue-emulator.ts";
export { RecordingPublisher } from "./recording-publisher.ts";
export { Script } from "./script.ts";
export { ScriptedApiServer, type ScriptedResource } from "./scripted-api-server.ts";
export { ScriptedBackend } from "./scripted-backend.ts";
export { ScriptedServer, type ScriptedAnswer } from "./scripted-server.ts";
export { ScriptedSidecar } from "./scripted-sidecar.ts";
export { selfSigned } from "./self-signed.ts";
export { spawnApp, type SpawnAppOptions, SpawnedApp } from "./spawn-app.ts";
export { TokenService } from "./token-service.ts";
export { TraceCollector } from "./trace-collector.ts";
