import type { Rule } from "../rule.ts";
import { authenticationMissing } from "./authentication-missing.ts";
import { authenticationNotFound } from "./authentication-not-found.ts";
import { backendNotScaled } from "./backend-not-scaled.ts";
import { callbackBypassesGateway } from "./callback-bypasses-gateway.ts";
import { callbackHostNotAllowed } from "./callback-host-not-allowed.ts";
import { callbackTimeoutTooShort } from "./callback-timeout-too-short.ts";
import { chainBackendUnknown } from "./chain-backend-unknown.ts";
import { chainNotProbed } from "./chain-not-probed.ts";
import { chainWithoutEnd } from "./chain-without-end.ts";
import { clientAbortChecked } from "./client-abort-checked.ts";
import { componentNotFound } from "./component-not-found.ts";
import { componentScopeMissing } from "./component-scope-missing.ts";
import { consumerOnWakeQueue } from "./consumer-on-wake-queue.ts";
import { consumerQueueNotWatched } from "./consumer-queue-not-watched.ts";
import { daprNotEnabled } from "./dapr-not-enabled.ts";
import { demandBackendUnknown } from "./demand-backend-unknown.ts";
import { demandNotSummed } from "./demand-not-summed.ts";
import { demandNotWatched } from "./demand-not-watched.ts";
import { demandServiceNotFound } from "./demand-service-not-found.ts";
import { demandTimeoutMissing } from "./demand-timeout-missing.ts";
import { endpointMismatch } from "./endpoint-mismatch.ts";
import { environmentInvalid } from "./environment-invalid.ts";
import { fieldMisplaced } from "./field-misplaced.ts";
import { fieldMissing } from "./field-missing.ts";
import { fieldOutOfBounds } from "./field-out-of-bounds.ts";
import { fieldTypeWrong } from "./field-type-wrong.ts";
import { fieldUnknown } from "./field-unknown.ts";
import { gatewayGraceTooShort } from "./gateway-grace-too-short.ts";
import { gatewayIncomplete } from "./gateway-incomplete.ts";
import { gatewayValuesReplaced } from "./gateway-values-replaced.ts";
import { gracePeriodTooShort } from "./grace-period-too-short.ts";
import { handlerLimitBelowCallback } from "./handler-limit-below-callback.ts";
import { healthDiffersFromProbe } from "./health-differs-from-probe.ts";
import { holdAboveReadTimeout } from "./hold-above-read-timeout.ts";
import { holdTooShort } from "./hold-too-short.ts";
import { inFlightNotCounted } from "./in-flight-not-counted.ts";
import { jobAboveHandlerLimit } from "./job-above-handler-limit.ts";
import { jobsQueueNotConsumed } from "./jobs-queue-not-consumed.ts";
import { kedaRefuses } from "./keda-refuses.ts";
import { keepWarmTooSlow } from "./keep-warm-too-slow.ts";
import { keepWarmWithoutSpare } from "./keep-warm-without-spare.ts";
import { leaseTooLong } from "./lease-too-long.ts";
import { nameInvalid } from "./name-invalid.ts";
import { networkPolicyShutsOut } from "./network-policy-shuts-out.ts";
import { nothingFound } from "./nothing-found.ts";
import { objectDefinedTwice } from "./object-defined-twice.ts";
import { pluginConfigInvalid } from "./plugin-config-invalid.ts";
import { pluginMisspelt } from "./plugin-misspelt.ts";
import { pluginNotFound } from "./plugin-not-found.ts";
import { pluginNotGranted } from "./plugin-not-granted.ts";
import { pluginUnused } from "./plugin-unused.ts";
import { pollingIntervalSlow } from "./polling-interval-slow.ts";
import { pollingIntervalTooShort } from "./polling-interval-too-short.ts";
import { preStopMissing } from "./pre-stop-missing.ts";
import { rabbitmqDefinitionMissing } from "./rabbitmq-definition-missing.ts";
import { rabbitmqExchangeDiffers } from "./rabbitmq-exchange-differs.ts";
import { readinessProbeMissing } from "./readiness-probe-missing.ts";
import { readinessProbeSlow } from "./readiness-probe-slow.ts";
import { referenceNotFound } from "./reference-not-found.ts";
import { regionMismatch } from "./region-mismatch.ts";
import { releaseFarFromTarget } from "./release-far-from-target.ts";
import { replicasSet } from "./replicas-set.ts";
import { scaleTargetMismatch } from "./scale-target-mismatch.ts";
import { scaleTargetNotFound } from "./scale-target-not-found.ts";
import { scaleTargetShared } from "./scale-target-shared.ts";
import { scaledObjectPaused } from "./scaled-object-paused.ts";
import { scalingFormulaLeavesOut } from "./scaling-formula-leaves-out.ts";
import { selectorMismatch } from "./selector-mismatch.ts";
import { serviceNotFound } from "./service-not-found.ts";
import { serviceNotGranted } from "./service-not-granted.ts";
import { servicePortNotFound } from "./service-port-not-found.ts";
import { serviceSelectsNothing } from "./service-selects-nothing.ts";
import { serviceUpstreamMissing } from "./service-upstream-missing.ts";
import { sidecarDelaysColdStart } from "./sidecar-delays-cold-start.ts";
import { triggerInvalid } from "./trigger-invalid.ts";
import { visibilityAboveHandlerLimit } from "./visibility-above-handler-limit.ts";
import { visibilityTooShort } from "./visibility-too-short.ts";
import { wakeActivationTooHigh } from "./wake-activation-too-high.ts";
import { wakeQueueLengthTooLow } from "./wake-queue-length-too-low.ts";
import { wakeQueueNotWatched } from "./wake-queue-not-watched.ts";
import { wakeRetentionMissing } from "./wake-retention-missing.ts";
import { wakeTopicShared } from "./wake-topic-shared.ts";

/** Every rule for manifests, in the order in which findings are listed. */
export const rules: readonly Rule[] = [
  // What the cluster would refuse.
  fieldMisplaced,
  fieldMissing,
  fieldOutOfBounds,
  fieldTypeWrong,
  fieldUnknown,
  kedaRefuses,
  nameInvalid,
  objectDefinedTwice,
  selectorMismatch,
  triggerInvalid,
  // Names that must agree.
  authenticationMissing,
  authenticationNotFound,
  backendNotScaled,
  callbackBypassesGateway,
  callbackHostNotAllowed,
  chainBackendUnknown,
  chainNotProbed,
  chainWithoutEnd,
  componentNotFound,
  componentScopeMissing,
  consumerOnWakeQueue,
  consumerQueueNotWatched,
  daprNotEnabled,
  demandBackendUnknown,
  demandNotSummed,
  demandNotWatched,
  demandServiceNotFound,
  endpointMismatch,
  environmentInvalid,
  gatewayIncomplete,
  gatewayValuesReplaced,
  healthDiffersFromProbe,
  jobsQueueNotConsumed,
  networkPolicyShutsOut,
  nothingFound,
  pluginConfigInvalid,
  pluginMisspelt,
  pluginNotFound,
  pluginNotGranted,
  pluginUnused,
  rabbitmqDefinitionMissing,
  rabbitmqExchangeDiffers,
  referenceNotFound,
  regionMismatch,
  scaleTargetMismatch,
  scaleTargetNotFound,
  scaleTargetShared,
  scaledObjectPaused,
  scalingFormulaLeavesOut,
  serviceNotFound,
  serviceNotGranted,
  servicePortNotFound,
  serviceSelectsNothing,
  wakeQueueNotWatched,
  wakeTopicShared,
  // Numbers that must fit.
  callbackTimeoutTooShort,
  demandTimeoutMissing,
  gatewayGraceTooShort,
  clientAbortChecked,
  gracePeriodTooShort,
  handlerLimitBelowCallback,
  holdAboveReadTimeout,
  holdTooShort,
  inFlightNotCounted,
  jobAboveHandlerLimit,
  keepWarmTooSlow,
  keepWarmWithoutSpare,
  leaseTooLong,
  pollingIntervalSlow,
  pollingIntervalTooShort,
  preStopMissing,
  readinessProbeMissing,
  readinessProbeSlow,
  releaseFarFromTarget,
  replicasSet,
  serviceUpstreamMissing,
  sidecarDelaysColdStart,
  visibilityAboveHandlerLimit,
  visibilityTooShort,
  wakeActivationTooHigh,
  wakeQueueLengthTooLow,
  wakeRetentionMissing,
];
