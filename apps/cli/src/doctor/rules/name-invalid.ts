import { type Manifest, type Place, title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

const label = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const subdomain = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const serviceName = /^[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const portName = /^(?=.*[a-z])(?!.*--)[a-z0-9](?:[-a-z0-9]{0,13}[a-z0-9])?$/;
const labelValue = /^(?:[A-Za-z0-9](?:[-\w.]{0,61}[A-Za-z0-9])?)?$/;
const workloads = new Set(["Deployment", "StatefulSet", "DaemonSet", "Job"]);

export const nameInvalid: Rule = {
  code: "NAME_INVALID",
  topic: "objects",
  severity: "error",
  why: "The API server refuses the object: a name is too long, or has characters that are not allowed.",
  fix: "Use lower-case letters, digits and -, at most 63 of them (15 for a port's name).",
  *check({ manifests }) {
    if (manifests.isComplete) return;
    for (const manifest of manifests.all) {
      for (const [place, kind] of wrongNames(manifest)) {
        yield fault(place, `${title(manifest)}: ${place.scalar ?? ""} is not a valid name for ${kind}`);
      }
    }
  },
};

function* wrongNames({ kind, apiVersion, root }: Manifest): Generator<[Place, string]> {
  const metadata = root.at("metadata");
  const name = metadata.at("name");
  // RBAC allows more characters in names.
  if (name.text !== undefined && !apiVersion.startsWith("rbac.")) {
    const isService = kind === "Service" && apiVersion === "v1";
    const pattern = isService ? serviceName : kind === "Namespace" ? label : subdomain;
    if (!pattern.test(name.text) || name.text.length > 253) yield [name, `a ${kind}`];
  }
  const namespace = metadata.at("namespace");
  if (namespace.text !== undefined && !label.test(namespace.text)) yield [namespace, "a namespace"];
  const template = root.at("spec", "template");
  const labels = [metadata.at("labels"), ...(workloads.has(kind) ? [template.at("metadata", "labels")] : [])];
  for (const [, value] of labels.flatMap(({ entries }) => entries)) {
    if (value.text !== undefined && !labelValue.test(value.text)) yield [value, "a label"];
  }
  if (!workloads.has(kind)) return;
  const spec = template.at("spec");
  for (const container of [...spec.at("containers").items, ...spec.at("initContainers").items]) {
    const containerName = container.at("name");
    if (containerName.text !== undefined && !label.test(containerName.text))
      yield [containerName, "a container"];
    for (const port of container.at("ports").items) {
      const { text } = port.at("name");
      if (text !== undefined && !portName.test(text)) yield [port.at("name"), "a port"];
    }
  }
}
