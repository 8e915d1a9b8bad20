/** A sidecar and a backend that is ready, in a process of their own: what they do is nothing that the load should wait for. */
import { createLog } from "@kong-serverless/runtime";
import { ScriptedBackend, ScriptedSidecar } from "@kong-serverless/testing";

const sidecar = await new ScriptedSidecar().start();
// It starts while it is probed: one that answers the first probe may be about to stop, and its answer counts for 20 ms.
const ready = await new ScriptedBackend(503, 503, 200).start();
createLog("surroundings").info({ sidecarUrl: sidecar.url, readyUrl: ready.url }, "service.started");
