import { isDeepStrictEqual } from "node:util";

type Step = string | number;

/** A value in a manifest together with where it stands, so that whatever is said about it can say where. */
export class Place {
  readonly value: unknown;
  readonly #steps: readonly Step[];
  readonly #origins: readonly Origin[];

  /** @param origins Where the object may have been written, the last word first and its definition last. */
  constructor(value: unknown, origins: readonly Origin[], steps: readonly Step[] = []) {
    this.value = value;
    this.#origins = origins;
    this.#steps = steps;
  }

  /** The place below this one; it exists also where the manifest has nothing there. */
  at(...steps: readonly Step[]): Place {
    return new Place(valueAt(this.value, steps), this.#origins, [...this.#steps, ...steps]);
  }

  /** The file to open: the one that says just this value at this path, else the one that defines the object. */
  get file(): string {
    const saysSo = this.exists
      ? this.#origins.find(({ document }) => isDeepStrictEqual(valueAt(document, this.#steps), this.value))
      : undefined;
    return (saysSo ?? this.#origins.at(-1))?.file ?? "";
  }

  /** `spec.triggers[0].metadata["a.b/c"]` */
  get path(): string {
    const text = this.#steps.map((step) =>
      typeof step === "number" ? `[${step}]` : /^[\w-]+$/.test(step) ? `.${step}` : `["${step}"]`,
    );
    return text.join("").replace(/^\./, "");
  }

  get exists(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  get text(): string | undefined {
    return typeof this.value === "string" ? this.value : undefined;
  }

  /** A number, also one that is written as text, as KEDA wants them. */
  get number(): number | undefined {
    if (typeof this.value === "number") return this.value;
    const isNumeral = typeof this.value === "string" && /^\d+(\.\d+)?$/.test(this.value);
    return isNumeral ? Number(this.value) : undefined;
  }

  /** The items of a list; none where there is no list. */
  get items(): Place[] {
    return Array.isArray(this.value) ? this.value.map((_, index) => this.at(index)) : [];
  }

  /** The entries of a map; none where there is no map. */
  get entries(): [key: string, place: Place][] {
    if (!isContainer(this.value) || Array.isArray(this.value)) return [];
    return Object.keys(this.value).map((key) => [key, this.at(key)]);
  }

  /** The texts of a map, such as labels. */
  get texts(): ReadonlyMap<string, string> {
    return new Map(
      this.entries.flatMap(([key, { text }]): [string, string][] =>
        text === undefined ? [] : [[key, text]],
      ),
    );
  }
}

/** A document as it stands in a file. */
export interface Origin {
  /** As a reader would look for it. */
  readonly file: string;
  readonly document: unknown;
}

function valueAt(root: unknown, steps: readonly Step[]): unknown {
  return steps.reduce<unknown>(
    (parent, step) => (isContainer(parent) ? (parent as Record<Step, unknown>)[step] : undefined),
    root,
  );
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
