/** A CloudEvent in structured JSON form: its attributes and extensions as they are, its data decoded. */
export interface CloudEvent {
  readonly specversion: string;
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly datacontenttype?: string;
  readonly data?: unknown;
  readonly [extension: string]: unknown;
}

/**
 * Recognises a CloudEvent by its four required attributes, and decodes `data_base64` into `data`.
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
 */
export function readCloudEvent(value: unknown): CloudEvent | undefined {
  if (!isCloudEvent(value)) return undefined;
  const { data_base64: encoded, ...event } = value;
  if (typeof encoded !== "string") return value;
  const bytes = Buffer.from(encoded, "base64");
  return {
    ...event,
    data: isJsonType(value.datacontenttype) ? parseJson(bytes.toString()) : bytes,
  };
}

/** The value that `text` is the JSON of, or `text` itself. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function isCloudEvent(value: unknown): value is CloudEvent {
  if (typeof value !== "object" || value === null) return false;
  return ["specversion", "id", "source", "type"].every((name) => {
    const attribute: unknown = Object.hasOwn(value, name) && value[name as keyof typeof value];
    return typeof attribute === "string" && attribute !== "";
  });
}

/** Without a content type the data is JSON, says the specification. */
function isJsonType(contentType: unknown): boolean {
  return typeof contentType !== "string" || /^[^;]*[/+]json\s*(;|$)/i.test(contentType);
}
