import { type Manifest, title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const objectDefinedTwice: Rule = {
  code: "OBJECT_DEFINED_TWICE",
  topic: "objects",
  severity: "error",
  why: "The last one applied wins, and the other is lost. kustomize refuses both.",
  fix: "Keep one of them.",
  *check({ manifests }) {
    if (manifests.isComplete) return;
    const seen = new Map<string, Manifest>();
    for (const manifest of manifests.all) {
      const identity = `${manifest.apiVersion.replace(/\/.*$/, "")}/${title(manifest)}`;
      const first = seen.get(identity);
      if (first === undefined) seen.set(identity, manifest);
      else {
        const { file, line } = first.root;
        const where = line === undefined ? file : `${file}:${line}`;
        yield fault(manifest.root.at("metadata", "name"), `${title(manifest)} is defined in ${where} too`);
      }
    }
  },
};
