import type { Log } from "@kong-serverless/runtime";

export interface RecordedEvent {
  readonly level: keyof Log;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A log whose events a test can look at. */
export class RecordingLog implements Log {
  readonly events: RecordedEvent[] = [];

  debug = this.#recorder("debug");
  info = this.#recorder("info");
  warn = this.#recorder("warn");
  error = this.#recorder("error");

  /** The fields of each occurrence of `event`, in order. */
  fieldsOf(event: string): Readonly<Record<string, unknown>>[] {
    return this.events.filter((recorded) => recorded.event === event).map(({ fields }) => fields);
  }

  #recorder(level: keyof Log) {
    return (fields: object, event: string) => {
      this.events.push({ level, event, fields: { ...fields } });
    };
  }
}
