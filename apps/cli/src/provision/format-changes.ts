import type { ResourceChange } from "./provision.ts";

const signs = { create: "+", change: "~", none: "=" } as const;

/** Changes as a diff: `+` create, `~` change, `=` as it should be. */
export function formatChanges(
  changes: readonly ResourceChange[],
  { dryRun }: { readonly dryRun: boolean },
): string {
  const lines = changes.flatMap(({ resource, name, action, attributes }) => [
    `${signs[action]} ${resource} ${name}`,
    ...attributes.map(({ name: attribute, from, to }) =>
      from === undefined ? `    ${attribute}: ${to}` : `    ${attribute}: ${from} -> ${to}`,
    ),
  ]);
  const pending = changes.filter(({ action }) => action !== "none").length;
  const verdict =
    pending === 0
      ? "Everything is as it should be."
      : `${pending} of ${changes.length} ${dryRun ? "would be made or changed." : "made or changed."}`;
  return [...lines, "", verdict].join("\n");
}
