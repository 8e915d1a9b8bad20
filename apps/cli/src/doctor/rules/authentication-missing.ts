import { title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const authenticationMissing: Rule = {
  code: "AUTHENTICATION_MISSING",
  topic: "names",
  severity: "error",
  why: "KEDA has no credentials for the queue, and the ScaledObject is not ready.",
  fix: "Give the trigger an authenticationRef (aws-sqs-queue: a TriggerAuthentication with podIdentity.provider aws; rabbitmq: one with `host`).",
  *check({ scalers }) {
    for (const { manifest, queues } of scalers) {
      for (const { broker, place } of queues) {
        const metadata = place.at("metadata");
        if (place.at("authenticationRef").exists) continue;
        const has = (...names: string[]) => names.some((name) => metadata.at(name).exists);
        const isKnown =
          broker === "rabbitmq"
            ? has("host", "hostFromEnv")
            : metadata.at("identityOwner").text === "operator" ||
              (has("awsAccessKeyID", "awsAccessKeyIDFromEnv") && has("awsSecretAccessKeyFromEnv"));
        if (isKnown) continue;
        yield fault(
          place.at("authenticationRef"),
          `${title(manifest)}: trigger ${place.at("name").text ?? place.at("type").text ?? ""} has no authenticationRef`,
        );
      }
    }
  },
};
