import { isSwitchedOn } from "@kong-serverless/manifests";

/**
 * What a ScaledObject's annotations pause.
 * https://keda.sh/docs/latest/concepts/scaling-deployments/#pausing-autoscaling
 */
export interface Pause {
  /** Nothing is scaled any more once the target has `replicas`. */
  readonly isWhole: boolean;
  /** Undefined keeps the current ones. */
  readonly replicas: number | undefined;
  readonly isIn: boolean;
  readonly isOut: boolean;
}

export function readPause(annotations: Readonly<Record<string, string>>): Pause {
  const text = (name: string) => annotations[`autoscaling.keda.sh/${name}`];
  const isOn = (name: string) => isSwitchedOn(text(name) ?? "false");
  const replicas = text("paused-replicas");
  return {
    isWhole: replicas !== undefined || isOn("paused"),
    replicas: replicas === undefined ? undefined : Number(replicas),
    isIn: isOn("paused-scale-in"),
    isOut: isOn("paused-scale-out"),
  };
}
