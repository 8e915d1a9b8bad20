import type { Manifest } from "../manifests.ts";
import type { Place } from "../place.ts";
import { type Field, kinds, types } from "./kinds.ts";

/** What the API server would refuse of an object, by the schema of its kind. */
export interface SchemaFault {
  readonly fault: "unknown" | "type" | "missing" | "bounds";
  readonly place: Place;
  readonly what: string;
  /** For a field that is unknown here: where the kind has one of its name. */
  readonly belongsTo?: string;
  /** The names that there are here instead. */
  readonly known?: readonly string[];
}

const byManifest = new WeakMap<Manifest, readonly SchemaFault[]>();

/** Looks at each object once and remembers the result. None for an unknown kind. */
export function schemaFaults(manifest: Manifest): readonly SchemaFault[] {
  const known = byManifest.get(manifest);
  if (known !== undefined) return known;
  const faults: SchemaFault[] = [];
  const { root, kind } = manifest;
  const type = kinds[`${root.at("apiVersion").text ?? ""}/${kind}`];
  const apiVersion = root.at("apiVersion");
  if (apiVersion.text === undefined) {
    faults.push({ fault: "missing", place: apiVersion, what: "apiVersion is missing" });
  } else if (type !== undefined) {
    new Walk(type, faults).object(root, type);
  }
  byManifest.set(manifest, faults);
  return faults;
}

/** What Kubernetes checks of its own kinds beside their schema, by the field's name. */
const bounds: Readonly<Record<string, { readonly min: number; readonly max?: number }>> = {
  containerPort: { min: 1, max: 65_535 },
  hostPort: { min: 1, max: 65_535 },
  port: { min: 1, max: 65_535 },
  targetPort: { min: 1, max: 65_535 },
  nodePort: { min: 1, max: 65_535 },
  replicas: { min: 0 },
  periodSeconds: { min: 1 },
  timeoutSeconds: { min: 1 },
  failureThreshold: { min: 1 },
  successThreshold: { min: 1 },
  initialDelaySeconds: { min: 0 },
  terminationGracePeriodSeconds: { min: 0 },
};

const wanted: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === "string",
  int: (value) => Number.isInteger(value),
  number: (value) => typeof value === "number",
  bool: (value) => typeof value === "boolean",
  intOrString: (value) => typeof value === "string" || Number.isInteger(value),
  quantity: (value) => typeof value === "string" || typeof value === "number",
  any: () => true,
};
const names: Readonly<Record<string, string>> = {
  string: "text",
  int: "a whole number",
  number: "a number",
  bool: "true or false",
  intOrString: "a whole number or text",
  quantity: "an amount",
};

class Walk {
  readonly #kind: string;
  readonly #faults: SchemaFault[];

  constructor(kind: string, faults: SchemaFault[]) {
    this.#kind = kind;
    this.#faults = faults;
  }

  object(place: Place, type: string): void {
    const fields = types[type] ?? {};
    if (typeof place.value !== "object" || Array.isArray(place.value)) {
      this.#report("type", place, `is ${shown(place.value)}, not a map of fields`);
      return;
    }
    for (const [name, below] of place.entries) {
      const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
      if (field === undefined) {
        if (isHead(place, name)) continue;
        const belongsTo = homeOf(name, this.#kind);
        this.#faults.push({
          fault: "unknown",
          place: below,
          what: `there is no field ${name} ${place.path === "" ? "here" : `in ${place.path}`}`,
          known: Object.keys(fields),
          ...(belongsTo !== undefined && { belongsTo }),
        });
      } else if (below.exists) {
        this.#value(below, field.t);
        this.#bounds(below, name, field);
      }
    }
    for (const [name, field] of Object.entries(fields)) {
      if (field.r === 1 && !place.at(name).exists) {
        this.#report("missing", place.at(name), "is missing");
      }
    }
  }

  #value(place: Place, type: string): void {
    if (!place.exists) return;
    if (type.startsWith("[]")) {
      if (Array.isArray(place.value)) for (const item of place.items) this.#value(item, type.slice(2));
      else this.#report("type", place, `is ${shown(place.value)}, not a list`);
    } else if (type.startsWith("{}")) {
      const isMap = typeof place.value === "object" && !Array.isArray(place.value);
      if (isMap) for (const [, below] of place.entries) this.#value(below, type.slice(2));
      else this.#report("type", place, `is ${shown(place.value)}, not a map`);
    } else if (Object.hasOwn(wanted, type)) {
      if (wanted[type]?.(place.value) === true) return;
      const quote = type === "string" && place.scalar !== undefined ? `: quote it ("${place.scalar}")` : "";
      this.#report("type", place, `is ${shown(place.value)}, not ${names[type]}${quote}`);
    } else {
      this.object(place, type);
    }
  }

  #bounds(place: Place, name: string, field: Field): void {
    const { value } = place;
    const { min, max } = /^V\d/.test(this.#kind) && field.min === undefined ? (bounds[name] ?? field) : field;
    const size = typeof value === "string" || Array.isArray(value) ? value.length : undefined;
    const noun = typeof value === "string" ? "characters" : "items";
    if (
      typeof value === "number" &&
      ((min !== undefined && value < min) || (max !== undefined && value > max))
    ) {
      this.#report("bounds", place, `is ${value}; allowed: ${range(min, max)}`);
    } else if (
      field.enum !== undefined &&
      field.enum.length > 0 &&
      typeof value === "string" &&
      value !== "" &&
      !field.enum.includes(value)
    ) {
      this.#report("bounds", place, `is ${shown(value)}; allowed: ${field.enum.join(", ")}`);
    } else if (size !== undefined && size < (field.least ?? 0)) {
      this.#report("bounds", place, `has ${size} ${noun}; at least ${field.least} are wanted`);
    } else if (size !== undefined && size > (field.most ?? Infinity)) {
      this.#report("bounds", place, `has ${size} ${noun}; at most ${field.most} are allowed`);
    } else if (
      typeof value === "string" &&
      field.pattern !== undefined &&
      !new RegExp(field.pattern).test(value)
    ) {
      this.#report("bounds", place, `is ${shown(value)}; allowed: what ${field.pattern} matches`);
    }
  }

  #report(fault: SchemaFault["fault"], place: Place, what: string): void {
    this.#faults.push({ fault, place, what: `${place.path || "the object"} ${what}` });
  }
}

function isHead(place: Place, name: string): boolean {
  return place.path === "" && ["apiVersion", "kind", "status"].includes(name);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

function range(min: number | undefined, max: number | undefined): string {
  if (max === undefined) return `${min} or more`;
  return min === undefined ? `${max} or less` : `${min} to ${max}`;
}

/** Where a kind has a field of this name, the nearest to its root. */
export function homeOf(name: string, kind: string): string | undefined {
  const seen = new Set<string>();
  let level = [{ type: kind, path: "" }];
  while (level.length > 0) {
    const next: typeof level = [];
    for (const { type, path } of level) {
      if (seen.has(type)) continue;
      seen.add(type);
      for (const [field, { t }] of Object.entries(types[type] ?? {})) {
        const below = path === "" ? field : `${path}.${field}`;
        if (field === name && path !== "" && path !== "metadata") return below;
        const list = t.startsWith("[]");
        const bare = t.replace(/^(?:\[\]|\{\})+/, "");
        if (types[bare] !== undefined) next.push({ type: bare, path: `${below}${list ? "[]" : ""}` });
      }
    }
    level = next;
  }
  return undefined;
}
