import { isDeepStrictEqual } from "node:util";

export type Step = string | number;

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
    return this.#origin?.file ?? "";
  }

  /** Line in the file, from 1; undefined where the object was not read from a text. */
  get line(): number | undefined {
    return this.#origin?.lineOf?.(this.#steps);
  }

  /** Which document of the file, from 1. */
  get documentNumber(): number | undefined {
    return this.#origin?.number;
  }

  get #origin(): Origin | undefined {
    const saysSo = this.exists
      ? this.#origins.find(({ document }) => isDeepStrictEqual(valueAt(document, this.#steps), this.value))
      : undefined;
    return saysSo ?? this.#origins.at(-1);
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

  /** The text of a string, number or switch, as it stands in YAML. */
  get scalar(): string | undefined {
    const { value } = this;
    return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
      ? String(value)
      : undefined;
  }

  /** A number, also one that is written as text, as KEDA wants them. */
  get number(): number | undefined {
    if (typeof this.value === "number") return this.value;
    const isNumeral = typeof this.value === "string" && /^\d+(\.\d+)?$/.test(this.value);
    return isNumeral ? Number(this.value) : undefined;
  }

  /** Whether it is on: a switch, also one that is written as text. */
  get isTrue(): boolean {
    return this.value === true || this.value === "true";
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
  /** Which document of the file, from 1. */
  readonly number?: number;
  /** The line of what is below these steps, or of what is nearest above. */
  readonly lineOf?: (steps: readonly Step[]) => number | undefined;
}

function valueAt(root: unknown, steps: readonly Step[]): unknown {
  return steps.reduce<unknown>(
    // Only what is written: every object inherits a `constructor`.
    (parent, step) =>
      isContainer(parent) && Object.hasOwn(parent, step)
        ? (parent as Record<Step, unknown>)[step]
        : undefined,
    root,
  );
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
