import { type Stage, until } from "./stage.ts";

/** Beyond the times that have to pass: the retention, the cooldown, and preStop, with as much again for a slow machine. */
const marginSeconds = 30;

/** No more traffic: every Deployment goes back to zero, and its last process ends. */
export async function playCooldown({ playground, settings, signal }: Stage): Promise<boolean> {
  const { wakeRetentionSeconds, cooldownSeconds } = settings;
  const replicaSets = [...playground.replicaSets.values()];
  await until(
    () => replicaSets.every(({ replicas, running }) => replicas === 0 && running === 0),
    (wakeRetentionSeconds.used + cooldownSeconds.used + marginSeconds) * 1000,
    `${replicaSets.map(({ name }) => name).join(" and ")} back at zero`,
    signal,
  );
  return true;
}
