import { type Place, title } from "@kong-serverless/manifests";

import { nearest } from "../distance.ts";
import { fault, notLookedAt, type Rule } from "../rule.ts";
import { handsSettingsOn, knownTriggers, type TriggerField, triggerFields } from "../trigger-fields.ts";

export const triggerInvalid: Rule = {
  code: "TRIGGER_INVALID",
  topic: "objects",
  severity: "error",
  why: "KEDA accepts the object but cannot create a scaler for the trigger: the ScaledObject never becomes ready.",
  fix: "Correct the trigger; KEDA's documentation of the scaler lists its settings.",
  *check({ manifests }) {
    for (const manifest of manifests.of("ScaledObject", "ScaledJob")) {
      for (const trigger of manifest.root.at("spec", "triggers").items) {
        const { text: type } = trigger.at("type");
        if (type === undefined) continue;
        const fields = triggerFields(type);
        if (!knownTriggers.includes(type)) {
          const near = nearest(type, knownTriggers);
          const hint = near === undefined ? "" : `; did you mean ${near}?`;
          yield fault(trigger.at("type"), `${title(manifest)}: KEDA 2.20 has no trigger ${type}${hint}`);
        } else if (fields === undefined) {
          yield notLookedAt(`the ${type} trigger of ${title(manifest)}: doctor does not know its settings`);
        } else {
          const found = [
            ...issues(trigger, fields),
            ...(handsSettingsOn(type) ? [] : misspellings(trigger, fields)),
            ...relations(trigger, type),
          ];
          for (const [place, what] of found) yield fault(place, `${title(manifest)}: ${what}`);
        }
      }
    }
  },
};

const forms: Readonly<Record<TriggerField["type"], { readonly pattern: RegExp; readonly name: string }>> = {
  text: { pattern: /^/, name: "text" },
  number: { pattern: /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/, name: "a number" },
  whole: { pattern: /^[-+]?\d+$/, name: "a whole number" },
  switch: { pattern: /^(?:1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/, name: "true or false" },
  duration: { pattern: /^(?:\d+|(?:\d+(?:\.\d+)?(?:ns|us|ms|s|m|h))+)$/, name: "a duration, such as 1s" },
};

function* issues(trigger: Place, fields: ReadonlyMap<string, TriggerField>): Generator<[Place, string]> {
  const metadata = trigger.at("metadata");
  const hasLogin = trigger.at("authenticationRef").exists;
  for (const [name, { type, allowed, isRequired, isLogin, isEnv }] of fields) {
    const place = metadata.at(name);
    const value = place.scalar;
    if (value === undefined || value === "") {
      const isElsewhere =
        (isLogin && (hasLogin || name === "host")) || (isEnv && metadata.at(`${name}FromEnv`).exists);
      if (isRequired && !isElsewhere) yield [place, `the trigger has no ${name}`];
    } else if (!forms[type].pattern.test(value)) {
      yield [place, `${name} is ${JSON.stringify(value)}, not ${forms[type].name}`];
    } else if (allowed !== undefined && !allowed.includes(value)) {
      yield [place, `${name} is ${value}; allowed: ${allowed.join(", ")}`];
    }
  }
}

function* misspellings(
  trigger: Place,
  fields: ReadonlyMap<string, TriggerField>,
): Generator<[Place, string]> {
  for (const [name, place] of trigger.at("metadata").entries) {
    const near = fields.has(name) ? undefined : nearest(name, [...fields.keys()]);
    if (near !== undefined) yield [place, `the trigger has no setting ${name}; did you mean ${near}?`];
  }
}

/** Settings that depend on each other. */
function* relations(trigger: Place, type: string): Generator<[Place, string]> {
  const metadata = trigger.at("metadata");
  const metricType = trigger.at("metricType");
  const isResource = type === "cpu" || type === "memory";
  if (!isResource && metricType.text === "Utilization") {
    yield [metricType, "metricType Utilization is for cpu and memory triggers only"];
  }
  if (isResource && !metricType.exists) yield [metricType, `a ${type} trigger needs a metricType`];
  if (type === "metrics-api" && metadata.at("targetValue").number === 0) {
    yield [metadata.at("targetValue"), "targetValue is 0, which KEDA takes for none"];
  }
  if (type === "aws-sqs-queue") {
    const queue = metadata.at("queueURL");
    const url = URL.parse(queue.text ?? "");
    if (url !== null && !/^\/[^/]+\/[^/]+$/.test(url.pathname)) {
      yield [queue, `queueURL is ${queue.text}; the path of a URL is /ACCOUNT/NAME`];
    }
  }
  if (type !== "rabbitmq") return;
  const [length, mode, value] = ["queueLength", "mode", "value"].map((name) => metadata.at(name));
  if (length?.exists && (mode?.exists || value?.exists)) {
    yield [length, "queueLength is deprecated and does not go with mode or value"];
  } else if (!length?.exists && value?.exists && !mode?.exists) {
    yield [value, "value is given without a mode"];
  } else if (!length?.exists && mode?.exists && !value?.exists) {
    yield [mode, "mode is given without a value"];
  }
  const host = metadata.at("host");
  const isAmqp = metadata.at("protocol").text === "amqp" || /^amqps?:/.test(host.text ?? "");
  if (isAmqp && mode?.exists && mode.text !== "QueueLength") {
    yield [mode, `mode ${mode.text} needs RabbitMQ's HTTP interface`];
  }
  for (const name of ["useRegex", "excludeUnacknowledged"]) {
    if (isAmqp && metadata.at(name).isTrue)
      yield [metadata.at(name), `${name} needs RabbitMQ's HTTP interface`];
  }
  if (isAmqp && metadata.at("timeout").exists) {
    yield [metadata.at("timeout"), "a timeout is for RabbitMQ's HTTP interface only"];
  }
}
