import { fault, type Rule } from "../rule.ts";

export const gatewayValuesReplaced: Rule = {
  code: "GATEWAY_VALUES_REPLACED",
  topic: "names",
  severity: "error",
  why: "Helm merges maps, and replaces a list as a whole: what only the earlier file has in it is gone from the gateway, without a word.",
  fix: "Copy the item into the later file's list. An empty list is taken for one that was emptied on purpose.",
  *check({ gateway: { replaced } }) {
    for (const { name, place, by } of replaced) {
      yield fault(by, `${by.file} replaces ${by.path}, in which ${place.file} has ${name}`);
    }
  },
};
