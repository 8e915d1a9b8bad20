import { fault, type Rule } from "../rule.ts";

export const gatewayValuesReplaced: Rule = {
  code: "GATEWAY_VALUES_REPLACED",
  topic: "names",
  severity: "error",
  why: "Helm merges maps but replaces lists as a whole: an item that only the earlier file has is silently missing from the gateway.",
  fix: "Copy the item into the later file's list. An empty list counts as emptied on purpose.",
  *check({ gateway: { replaced } }) {
    for (const { name, place, by } of replaced) {
      yield fault(by, `${by.file} replaces ${by.path}, in which ${place.file} has ${name}`);
    }
  },
};
