export { bundleApp, type BundledApp } from "./bundle-app.ts";
export { type RecordedEvent, RecordingLog } from "./recording-log.ts";
export { QueueEmulator, type QueueLength } from "./queue-emulator.ts";
export { RecordingPublisher, type RecordedMessage, type RecordedOutcome } from "./recording-publisher.ts";
export { Script } from "./script.ts";
export { ScriptedBackend } from "./scripted-backend.ts";
export { ScriptedServer, type ScriptedAnswer } from "./scripted-server.ts";
export { ScriptedSidecar, type SidecarMessage } from "./scripted-sidecar.ts";
export { type ExitStatus, type LogLine, spawnApp, type SpawnAppOptions, SpawnedApp } from "./spawn-app.ts";
