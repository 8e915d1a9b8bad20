import { ConfigError } from "@kong-serverless/config";
import { parseAllDocuments } from "yaml";

import type { Origin } from "./place.ts";

/** Every document of a YAML text, a `List` taken apart. Throws a ConfigError where it is not YAML. */
export function parseDocuments(file: string, text: string): Origin[] {
  return [...parseAllDocuments(text)].flatMap((parsed) => {
    const [error] = parsed.errors;
    if (error) throw new ConfigError(file, [`not YAML: ${error.message}`]);
    const document = parsed.toJS() as { kind?: unknown; items?: unknown } | null;
    const isList = document?.kind === "List" && Array.isArray(document.items);
    const documents: readonly unknown[] = isList ? (document.items as unknown[]) : [document];
    return documents.map((item) => ({ file, document: item }));
  });
}
