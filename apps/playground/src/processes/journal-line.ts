import type { Journal, JournalEntry } from "../journal.ts";

/** A line of an app's JSON log. */
interface AppLogLine {
  readonly time: number;
  readonly event: string;
  readonly [field: string]: unknown;
}

/** Journals a line that a process printed: an app's log line as its event, anything else as `output`. */
export function journalLine(
  journal: Journal,
  role: JournalEntry["role"],
  line: string,
  fields: Readonly<Record<string, unknown>> = {},
): void {
  const logged = parse(line);
  if (!logged) {
    journal.record(role, "output", { ...fields, line });
    return;
  }
  const { time, event, ...more } = logged;
  journal.record(role, event, { ...more, ...fields }, time);
}

function parse(line: string): AppLogLine | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const parsed = JSON.parse(line) as Partial<AppLogLine>;
    return typeof parsed.event === "string" && typeof parsed.time === "number"
      ? (parsed as AppLogLine)
      : undefined;
  } catch {
    return undefined;
  }
}
