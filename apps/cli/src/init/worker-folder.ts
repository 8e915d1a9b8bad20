import packageJson from "../../package.json" with { type: "json" };
import type { FileToWrite } from "./write-folder.ts";

export interface WorkerChoices {
  readonly name: string;
  readonly queue: string;
  readonly namespace: string;
  readonly region: string;
  readonly image: string;
}

/** A queue consumer to start from: handler, process, image and manifests. */
export function workerFolder(choices: WorkerChoices): FileToWrite[] {
  return [
    { path: "handler.js", text: handler },
    { path: "worker.js", text: worker(choices) },
    { path: "package.json", text: manifestOf(choices) },
    { path: "Dockerfile", text: dockerfile },
    { path: ".dockerignore", text: "deploy\nnode_modules\n" },
    { path: "deploy/kustomization.yaml", text: kustomization(choices) },
    { path: "deploy/deployment.yaml", text: deployment(choices) },
    { path: "deploy/scaledobject.yaml", text: scaledObject(choices) },
  ];
}

const handler = `/**
 * Handles one message. Returning deletes it; throwing gives it back for a retry, and after the queue's maxReceiveCount
 * to its dead-letter queue. A message may arrive more than once, as on every standard queue: make repetitions harmless.
 *
 * @type {import("@kong-serverless/sqs-worker").Handler}
 */
export async function handle({ text }, { signal, log }) {
  // \`signal\` aborts when the handler's time is up or the worker must stop: pass it on to whatever waits.
  signal.throwIfAborted();
  log.info({ characters: text.length }, "message.read");
}
`;

function worker({ name }: WorkerChoices): string {
  return `import { createServer } from "node:http";

import { SQSClient } from "@aws-sdk/client-sqs";
import { createLog } from "@kong-serverless/runtime";
import { createWorker, SqsQueue } from "@kong-serverless/sqs-worker";

import { handle } from "./handler.js";

const { QUEUE_NAME, QUEUE_URL, AWS_REGION, PORT = "8080" } = process.env;
const client = new SQSClient({ region: AWS_REGION });
const worker = createWorker({
  queue: new SqsQueue({ client, queue: QUEUE_URL ? { url: QUEUE_URL } : { name: QUEUE_NAME } }),
  handler: handle,
  // Logs the outcome of each message, and trouble with the queue, as lines of JSON.
  log: createLog(${JSON.stringify(name)}),
});

// For Kubernetes' probes: alive while the process answers, ready while the queue can be reached.
const probes = createServer(({ url }, response) => {
  const waitingFor = url === "/readyz" ? worker.notReady() : [];
  response.writeHead(waitingFor.length === 0 ? 200 : 503).end(waitingFor.join("\\n"));
});
probes.listen(Number(PORT));

// Finishes messages in progress and returns the rest to the queue, within the pod's grace period.
process.once("SIGTERM", () => worker.stop({ graceMs: 25_000 }));
process.once("SIGINT", () => worker.stop({ graceMs: 5_000 }));
await worker.start();
probes.close();
client.destroy();
`;
}

function manifestOf({ name }: WorkerChoices): string {
  const content = {
    name,
    private: true,
    type: "module",
    scripts: { start: "node worker.js" },
    dependencies: {
      "@aws-sdk/client-sqs": packageJson.devDependencies["@aws-sdk/client-sqs"],
      "@kong-serverless/runtime": packageJson.version,
      "@kong-serverless/sqs-worker": packageJson.version,
    },
    engines: { node: ">=22" },
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

const dockerfile = `FROM node:24-slim
WORKDIR /app
COPY package*.json ./
RUN npm install --omit=dev
COPY *.js ./
USER 1000:1000
CMD ["node", "worker.js"]
`;

function kustomization({ name, queue }: WorkerChoices): string {
  return `# ${name} consumes the queue ${queue}, and sleeps while that is empty: kubectl apply -k .
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - deployment.yaml
  - scaledobject.yaml
`;
}

function deployment({ name, queue, namespace, region, image }: WorkerChoices): string {
  return `apiVersion: v1
kind: ServiceAccount
metadata:
  name: ${name}
  namespace: ${namespace}
---
# On the queue, the pod's identity needs sqs:GetQueueUrl, sqs:GetQueueAttributes, sqs:ReceiveMessage,
# sqs:DeleteMessage and sqs:ChangeMessageVisibility.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  namespace: ${namespace}
  labels:
    app.kubernetes.io/name: ${name}
spec:
  # No \`replicas\`: KEDA sets them.
  selector:
    matchLabels:
      app.kubernetes.io/name: ${name}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: ${name}
    spec:
      serviceAccountName: ${name}
      automountServiceAccountToken: false
      securityContext:
        runAsNonRoot: true
        seccompProfile:
          type: RuntimeDefault
      # Longer than the worker's own grace period (25 s).
      terminationGracePeriodSeconds: 30
      containers:
        - name: worker
          image: ${image}
          env:
            - name: QUEUE_NAME
              value: ${JSON.stringify(queue)}
            - name: AWS_REGION
              value: ${JSON.stringify(region)}
          ports:
            - name: probes
              containerPort: 8080
          readinessProbe:
            httpGet:
              path: /readyz
              port: probes
            periodSeconds: 1
          livenessProbe:
            httpGet:
              path: /healthz
              port: probes
            periodSeconds: 10
            failureThreshold: 6
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop:
                - ALL
`;
}

function scaledObject({ name, queue, namespace, region }: WorkerChoices): string {
  return `apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: ${name}
  namespace: ${namespace}
spec:
  scaleTargetRef:
    name: ${name}
  # Seconds between polls of the queue. A message waits up to this long for a sleeping worker; AWS charges for each
  # poll.
  pollingInterval: 5
  cooldownPeriod: 60
  initialCooldownPeriod: 0
  minReplicaCount: 0
  maxReplicaCount: 5
  advanced:
    # Restores the Deployment's replicas when this object is deleted; otherwise a sleeping one would stay at zero.
    restoreToOriginalReplicaCount: true
  triggers:
    # Messages in flight count too, so the last busy worker is not scaled away.
    - type: aws-sqs-queue
      name: ${name}
      metadata:
        queueURL: ${JSON.stringify(queue)}
        awsRegion: ${JSON.stringify(region)}
        # Messages per replica.
        queueLength: "10"
        activationQueueLength: "0"
      authenticationRef:
        name: ${name}-queue
---
# KEDA reads the queue's length with its operator's own identity, which needs sqs:GetQueueAttributes on it.
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata:
  name: ${name}-queue
  namespace: ${namespace}
spec:
  podIdentity:
    provider: aws
`;
}
