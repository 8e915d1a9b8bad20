import { readFileSync } from "node:fs";

/** Whether a process with this id runs. One that has ended and that nobody has asked about yet does not. */
export function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    // Signal 0 reaches nobody: it only asks.
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return !isZombie(pid);
}

/** A container whose first process does not care for orphans keeps them as zombies. */
function isZombie(pid: number): boolean {
  try {
    // `PID (COMMAND) STATE ...`: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
