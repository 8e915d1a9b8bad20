import { parser } from "@prometheus-io/lezer-promql";

export interface LabelMatcher {
  readonly label: string;
  readonly operator: string;
  readonly value: string;
}

interface Selector {
  readonly metric: string;
  readonly matchers: readonly LabelMatcher[];
}

export interface Query {
  readonly selectors: readonly Selector[];
  /** Labels that the query groups or joins by. */
  readonly groupings: readonly string[];
  /** Labels that `label_replace` makes. */
  readonly made: readonly string[];
}

/** Reads a PromQL query with Prometheus's own grammar. Throws where it is not one. */
export function readQuery(query: string): Query {
  const selectors: { metric: string; matchers: LabelMatcher[] }[] = [];
  const groupings: string[] = [];
  const made: string[] = [];
  parser.parse(query).iterate({
    enter: ({ type, node, from, to }) => {
      const text = query.slice(from, to);
      if (type.isError) throw new Error(`not PromQL at character ${from}: ${query}`);
      if (type.name === "VectorSelector") {
        const name = node.getChild("Identifier");
        selectors.push({ metric: name === null ? "" : query.slice(name.from, name.to), matchers: [] });
      } else if (type.name === "UnquotedLabelMatcher") {
        selectors.at(-1)?.matchers.push(readLabelMatcher(text));
      } else if (type.name === "LabelName" && node.parent?.name === "GroupingLabels") {
        groupings.push(text);
      } else if (type.name === "FunctionCall" && text.startsWith("label_replace")) {
        const destination = node.getChild("FunctionCallBody")?.getChild("StringLiteral");
        if (destination) made.push(query.slice(destination.from + 1, destination.to - 1));
      }
    },
  });
  return { selectors, groupings, made };
}

function readLabelMatcher(text: string): LabelMatcher {
  const [, label = "", operator = "", value = ""] = /^(\w+)\s*(=~|!~|!=|=)\s*"(.*)"$/s.exec(text) ?? [];
  return { label, operator, value };
}
