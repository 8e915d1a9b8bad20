import type { ActivatorEvent } from "@kong-serverless/activator";
import type { TracesSettings } from "@kong-serverless/config";
import { ServerlessError, sleep } from "@kong-serverless/runtime";
import {
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer as OtelTracer,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";

/** A long start has thousands of probes. The first ones of each activation have spans, and the last. */
const maxProbeSpans = 20;
const exportTimeoutMs = 5000;
/** What has not been exported by then is lost: the pod is ending. */
const stopTimeoutMs = 2000;

export interface TracedRequest {
  readonly backend: string;
  /** On the clock of `performance.now()`. */
  readonly arrivedAtMs: number;
  /** W3C trace context of the request, from Kong or the client. */
  readonly traceparent: string | undefined;
}

/** A request's span while it is held. */
export interface HoldSpan {
  /** Calls `hold`; an activation that it starts is part of this request's trace. */
  run<Result>(hold: () => Promise<Result>): Promise<Result>;
  end(outcome: string): void;
}

interface ActivationSpan {
  readonly span: Span;
  readonly context: Context;
  probes: number;
  /** Of the latest probe, as long as it has no span. */
  makeProbeSpan?: (() => void) | undefined;
}

/** Makes OpenTelemetry spans of held requests and of the activations that they start, with their wakes and probes. */
export class Tracer {
  readonly #provider: TracerProvider;
  readonly #tracer: OtelTracer;
  /** By the backend's name. */
  readonly #activations = new Map<string, ActivationSpan>();
  /** Of the request that is being held in this turn. */
  #starting: Context | undefined;

  constructor(settings: TracesSettings) {
    const { url, headers, resource } = settings;
    const exporter = new OTLPTraceExporter({ url, headers: { ...headers }, timeoutMillis: exportTimeoutMs });
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes(resource),
      sampler: samplerOf(settings),
      spanProcessors: [new BatchSpanProcessor({ exporter, exportTimeoutMillis: exportTimeoutMs })],
    });
    this.#tracer = this.#provider.getTracer("kong-serverless");
  }

  startHold({ backend, arrivedAtMs, traceparent }: TracedRequest): HoldSpan {
    const span = this.#tracer.startSpan(
      "serverless.hold",
      { startTime: epochMs(arrivedAtMs), attributes: { "serverless.backend": backend } },
      remoteContext(traceparent),
    );
    return {
      run: (hold) => {
        const joined = this.#activations.get(backend);
        this.#starting = trace.setSpan(ROOT_CONTEXT, span);
        const held = hold();
        this.#starting = undefined;
        // Its activation is part of another request's trace.
        if (joined !== undefined) span.addLink({ context: joined.span.spanContext() });
        return held;
      },
      end: (outcome) => {
        span.setAttribute("serverless.outcome", outcome);
        if (outcome !== "released") span.setStatus({ code: SpanStatusCode.ERROR, message: outcome });
        span.end();
      },
    };
  }

  observe(event: ActivatorEvent): void {
    const activation = this.#activations.get(event.backend);
    switch (event.event) {
      case "activation.started":
        return this.#startActivation(event.backend);
      case "activation.ready":
      case "activation.failed":
        return this.#endActivation(event);
      case "wake.published":
      case "wake.failed":
        if (activation !== undefined && event.reason !== "keep-warm") this.#addWake(activation, event);
        return;
      case "probe.answered":
        if (activation !== undefined && event.reason === "activation") this.#addProbe(activation, event);
        return;
      case "activation.pod_answered":
        activation?.span.addEvent("serverless.pod_answered", { "serverless.held": event.held });
        return;
      case "request.held":
      case "wake.started":
      case "chain.broken":
      case "lease.lost":
      case "in_flight.written_off":
      case "settings.replaced":
      case "backend.forgotten":
    }
  }

  /** Rejects when the last spans cannot be exported. */
  async stop(): Promise<void> {
    await Promise.race([this.#provider.shutdown(), sleep(stopTimeoutMs)]);
  }

  #startActivation(backend: string): void {
    const attributes = { "serverless.backend": backend };
    const span = this.#tracer.startSpan(
      "serverless.activation",
      { attributes },
      this.#starting ?? ROOT_CONTEXT,
    );
    this.#activations.set(backend, { span, context: trace.setSpan(ROOT_CONTEXT, span), probes: 0 });
  }

  #endActivation(event: Extract<ActivatorEvent, { event: "activation.ready" | "activation.failed" }>): void {
    const activation = this.#activations.get(event.backend);
    if (activation === undefined) return;
    this.#activations.delete(event.backend);
    activation.makeProbeSpan?.();
    activation.span.setAttribute("serverless.probes", event.probes);
    if (event.event === "activation.ready") activation.span.setAttribute("serverless.held", event.held);
    else activation.span.setStatus({ code: SpanStatusCode.ERROR, message: event.code });
    activation.span.end();
  }

  #addWake(
    { context }: ActivationSpan,
    event: Extract<ActivatorEvent, { event: "wake.published" | "wake.failed" }>,
  ): void {
    const nowMs = performance.now();
    const startTime = epochMs(nowMs - (event.event === "wake.published" ? event.durationMs : 0));
    const attributes = { "serverless.reason": event.reason };
    const span = this.#tracer.startSpan(
      "serverless.wake",
      { kind: SpanKind.PRODUCER, startTime, attributes },
      context,
    );
    if (event.event === "wake.failed") {
      const message = event.error instanceof ServerlessError ? event.error.code : "PUBLISH_FAILED";
      span.setStatus({ code: SpanStatusCode.ERROR, message });
    }
    span.end(epochMs(nowMs));
  }

  #addProbe(
    activation: ActivationSpan,
    { result }: Extract<ActivatorEvent, { event: "probe.answered" }>,
  ): void {
    const endMs = performance.now();
    const make = () => {
      const attributes = {
        "serverless.ready": result.isReady,
        ...(result.status !== undefined && { "http.response.status_code": result.status }),
        ...(result.error !== undefined && { "error.type": result.error }),
      };
      const startTime = epochMs(endMs - result.durationMs);
      const options = { kind: SpanKind.CLIENT, startTime, attributes };
      this.#tracer.startSpan("serverless.probe", options, activation.context).end(epochMs(endMs));
    };
    activation.probes += 1;
    if (activation.probes <= maxProbeSpans) make();
    else activation.makeProbeSpan = make;
  }
}

function samplerOf({ sampler, share }: TracesSettings): Sampler {
  const name = sampler.replace("parentbased_", "");
  const root =
    name === "always_on"
      ? new AlwaysOnSampler()
      : name === "always_off"
        ? new AlwaysOffSampler()
        : new TraceIdRatioBasedSampler(share);
  return sampler.startsWith("parentbased_") ? new ParentBasedSampler({ root }) : root;
}

/** https://www.w3.org/TR/trace-context/#traceparent-header; an invalid one is ignored. */
function remoteContext(traceparent: string | undefined): Context {
  const [, traceId, spanId, flags] =
    /^(?!ff)[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})/.exec(traceparent ?? "") ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return ROOT_CONTEXT;
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
  return trace.setSpanContext(ROOT_CONTEXT, context);
}

function epochMs(monotonicMs: number): number {
  return performance.timeOrigin + monotonicMs;
}
