import type { Headers } from "@kong-serverless/kong-protocol";

interface HeaderChange {
  /** Whether values that were there before go. */
  readonly replaces: boolean;
  readonly values: readonly string[];
}

/** Header changes that a plugin asked for, in the order it did, to be laid over the headers of a message. */
export class HeaderChanges {
  readonly #changes = new Map<string, HeaderChange>();

  set(name: string, values: readonly string[]): void {
    this.#changes.set(name.toLowerCase(), { replaces: true, values });
  }

  add(name: string, value: string): void {
    const key = name.toLowerCase();
    const { replaces, values } = this.#changes.get(key) ?? { replaces: false, values: [] };
    this.#changes.set(key, { replaces, values: [...values, value] });
  }

  clear(name: string): void {
    this.set(name, []);
  }

  /** A copy of `headers`, whose names must be lower-case, with the changes made. */
  applyTo(headers: Headers): Record<string, string | readonly string[]> {
    const changed = { ...headers };
    for (const [name, { replaces, values }] of this.#changes) {
      const all = replaces ? values : [...toList(changed[name]), ...values];
      const [first] = all;
      if (first === undefined) delete changed[name];
      else changed[name] = all.length === 1 ? first : all;
    }
    return changed;
  }
}

function toList(values: string | readonly string[] | undefined): readonly string[] {
  if (values === undefined) return [];
  return typeof values === "string" ? [values] : values;
}
