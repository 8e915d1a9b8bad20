import { readFile } from "node:fs/promises";

/** The unit in which Linux reports CPU times, per second. */
const ticksPerSecond = 100;

/**
 * The CPU time that a process has used, over all its threads:
 * https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
export async function cpuSecondsOf(pid: number | undefined): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "latin1");
  // The second field, a name in parentheses, may have spaces in it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}
