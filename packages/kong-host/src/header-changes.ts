import type { Headers } from "@kong-serverless/kong-protocol";

interface HeaderChange {
  /** Whether existing values are dropped. */
  readonly replaces: boolean;
  readonly values: readonly string[];
}

/** The header changes of a plugin, in order, to be applied to the headers of a message. */
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

  /** A changed copy of `headers`, whose names must be lower-case. */
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
