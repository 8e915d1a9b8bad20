import { randomUUID } from "node:crypto";

import {
  credentials,
  logVerbosity,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  setLogVerbosity,
  status,
} from "@grpc/grpc-js";
import { type Log, ServerlessError } from "@kong-serverless/runtime";

import {
  ExternalScaler,
  type GetMetricsRequest,
  type IsActiveResponse,
  type ScaledObjectRef,
} from "./externalscaler_pb.ts";
import { type DemandRequest, GatewayPeers, type WakeRequest } from "./gateway_peers_pb.ts";
import { grpcService } from "./grpc.ts";
import { Peers } from "./peers.ts";
import { readTrigger } from "./trigger.ts";
import { WakeStreams } from "./wake-streams.ts";

/** PEM. With an authority every caller, KEDA and peers alike, must show a certificate that it has signed. */
export interface ScalerTls {
  readonly certificate: string;
  readonly key: string;
  readonly authority?: string;
}

interface ScalerServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** `host:port` of the gateway's pods, this one included or not; none for a gateway of one pod. */
  readonly peers: readonly string[];
  readonly tls?: ScalerTls;
  /** Requests held for a backend and in flight to it, in this process. */
  readonly demand: (backend: string) => number;
  readonly log: Log;
}

// gRPC would write unstructured lines between ours. Whatever it logs it also throws or emits.
setLogVerbosity(logVerbosity.NONE);

/** KEDA puts the trigger's index before it. */
const metricName = "demand";
const stopTimeoutMs = 1_000;

/** KEDA's client sends no pings, so dead connections are detected here: their streams are closed within 15 s. */
const serverOptions = {
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5_000,
  "grpc.max_receive_message_length": 64 * 1024,
};

/**
 * An external scaler for KEDA's `external-push` triggers: pushes the wakes of all the gateway's pods, and answers polls with
 * their demand. https://keda.sh/docs/latest/concepts/external-scalers/
 */
export class ScalerServer {
  readonly #options: ScalerServerOptions;
  readonly #server = new Server(serverOptions);
  readonly #self = randomUUID();
  readonly #streams: WakeStreams;
  readonly #peers: Peers;
  #isStopping = false;

  constructor(options: ScalerServerOptions) {
    const { peers, tls, log } = options;
    this.#options = options;
    this.#peers = new Peers({ addresses: peers, credentials: peerCredentials(tls), self: this.#self, log });
    this.#streams = new WakeStreams({ demand: (backend) => this.#totalDemand(backend), log });
    this.#server.addService(grpcService(ExternalScaler), {
      isActive: unary(async (reference: ScaledObjectRef) => {
        const { backend } = readTrigger(reference);
        return { result: (await this.#totalDemand(backend)) > 0 };
      }),
      getMetricSpec: unary((reference: ScaledObjectRef) => {
        const { targetValue } = readTrigger(reference);
        return { metricSpecs: [{ metricName, targetSizeFloat: targetValue }] };
      }),
      getMetrics: unary(async ({ scaledObjectRef }: GetMetricsRequest) => {
        const { backend } = readTrigger(scaledObjectRef);
        return { metricValues: [{ metricName, metricValueFloat: await this.#totalDemand(backend) }] };
      }),
      streamIsActive: (call: ServerWritableStream<ScaledObjectRef, IsActiveResponse>) => this.#stream(call),
    });
    this.#server.addService(grpcService(GatewayPeers), {
      wake: unary(({ sender, backend }: WakeRequest) => {
        if (sender !== this.#self) this.#streams.wake(backend);
        return {};
      }),
      getDemand: unary(({ sender, backend }: DemandRequest) => ({
        demand: sender === this.#self ? 0 : options.demand(backend),
      })),
    });
  }

  /** Resolves with the port it listens on. Fails with PORT_UNAVAILABLE. */
  async start(): Promise<number> {
    const { host, port, tls } = this.#options;
    const bound = await new Promise<number>((resolve, reject) => {
      const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
      this.#server.bindAsync(address, serverCredentials(tls), (error, boundPort) => {
        if (error) reject(portUnavailable(address, error));
        else resolve(boundPort);
      });
    });
    await this.#peers.start();
    return bound;
  }

  /** How many of KEDA's streams wait here for a backend's wakes. */
  streams(backend: string): number {
    return this.#streams.count(backend);
  }

  /** Tells KEDA, through this pod and all others, that a request waits for this backend. */
  wake(backend: string): void {
    this.#streams.wake(backend);
    this.#peers.wake(backend);
  }

  /** Ends KEDA's streams with OK, so that it comes back soon, to another pod where there is one. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#streams.end();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.#server.forceShutdown();
        resolve();
      }, stopTimeoutMs);
      this.#server.tryShutdown(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.#peers.stop();
  }

  #stream(call: ServerWritableStream<ScaledObjectRef, IsActiveResponse>): void {
    // `close` handles a caller that leaves; an error without a listener would end the process.
    call.on("error", () => {});
    if (this.#isStopping || this.#streams.isFull) {
      const code = this.#isStopping ? status.UNAVAILABLE : status.RESOURCE_EXHAUSTED;
      call.emit("error", Object.assign(new Error("no more streams are accepted"), { code }));
      return;
    }
    try {
      this.#streams.open(call, readTrigger(call.request));
    } catch (error) {
      call.emit("error", error);
    }
  }

  async #totalDemand(backend: string): Promise<number> {
    return this.#options.demand(backend) + (await this.#peers.demand(backend));
  }
}

function unary<Request, Answer>(answer: (request: Request) => Answer | Promise<Answer>) {
  return (call: ServerUnaryCall<Request, Answer>, respond: sendUnaryData<Answer>): void => {
    const answered = async () => answer(call.request);
    answered().then(
      (value) => respond(null, value),
      (error: Error) => respond(error),
    );
  };
}

function serverCredentials(tls: ScalerTls | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const pair = { private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.certificate) };
  const authority = tls.authority === undefined ? null : Buffer.from(tls.authority);
  return ServerCredentials.createSsl(authority, [pair], authority !== null);
}

/** Peers show the certificate that they serve with; all pods of a gateway share one. */
function peerCredentials(tls: ScalerTls | undefined) {
  if (tls === undefined) return credentials.createInsecure();
  const authority = tls.authority === undefined ? null : Buffer.from(tls.authority);
  return credentials.createSsl(authority, Buffer.from(tls.key), Buffer.from(tls.certificate));
}

function portUnavailable(address: string, cause: Error): ServerlessError {
  return new ServerlessError(
    "PORT_UNAVAILABLE",
    `${address} cannot be opened for KEDA's scaler (${cause.message}). Choose another port with SCALER_PORT.`,
    { cause },
  );
}
