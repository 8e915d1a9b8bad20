import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { kustomize, needs } from "@kong-serverless/testing";
import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";

import { schemaNeed } from "../observability/crd-schemas.ts";
import { requireKustomize, type KubernetesObject, renderAll, root } from "./rendering.ts";

interface Artifact {
  readonly image: string;
  readonly docker: { readonly dockerfile: string; readonly target: string };
}
interface Skaffold {
  readonly build: { readonly artifacts: readonly Artifact[] };
  readonly deploy: {
    readonly helm: {
      readonly releases: readonly { readonly name: string; readonly valuesFiles: string[] }[];
    };
  };
  readonly profiles: readonly {
    readonly name: string;
    readonly build?: { readonly artifacts: readonly Artifact[] };
    readonly manifests: { readonly kustomize: { readonly paths: readonly string[] } };
    readonly patches?: readonly { readonly path: string; readonly value: unknown }[];
  }[];
}

const skaffold = parse(readFileSync(join(root, "skaffold.yaml"), "utf8"), { merge: true }) as Skaffold;
const dockerfile = readFileSync(join(root, "deploy/images/Dockerfile"), "utf8");
const command = requireKustomize();
const rendered = command === undefined ? undefined : renderAll(command);

// A variable of the tests, not of an app, so packages/config does not have it.
const schemaFile = join(process.env["CRD_SCHEMAS"] ?? "", "skaffold/v4beta13.json");
const schema = schemaNeed(
  "skaffold's schema",
  process.env["CRD_SCHEMAS"] !== undefined && existsSync(schemaFile),
);

const imagesOf = (object: KubernetesObject): string[] =>
  [...JSON.stringify(object).matchAll(/"image":"(kong-serverless\/[\w-]+)(?::\w+)?"/g)].map(
    ([, image = ""]) => image,
  );

describe("skaffold.yaml", () => {
  test("matches its schema", needs(schema), () => {
    const check = new Ajv({ strict: false, allErrors: true }).compile(
      JSON.parse(readFileSync(schemaFile, "utf8")) as object,
    );
    check(skaffold);
    expect(check.errors ?? []).toEqual([]);
  });

  test("builds existing targets of the Dockerfile", () => {
    const artifacts = [skaffold, ...skaffold.profiles].flatMap(({ build }) => build?.artifacts ?? []);
    for (const { docker } of artifacts) {
      expect(docker.dockerfile).toBe("deploy/images/Dockerfile");
      expect(dockerfile).toMatch(new RegExp(` AS ${docker.target}$`, "m"));
    }
  });

  test("reads existing values files, with those of staging last", () => {
    const patched = skaffold.profiles.flatMap(({ patches = [] }) =>
      patches.filter(({ path }) => path.endsWith("/valuesFiles/-")),
    );
    for (const { path, value } of patched) {
      const release = skaffold.deploy.helm.releases[Number(path.split("/")[4])];
      expect(value).toBe(`deploy/platform/${release?.name}/values-staging.yaml`);
    }
    expect(patched).toHaveLength(3);
    const files = skaffold.deploy.helm.releases.flatMap(({ valuesFiles }) => valuesFiles);
    const all = [...files, ...patched.map(({ value }) => String(value))];
    expect(all.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  test.each(["dev", "live", "staging"])(
    "builds every image that the overlay %s runs",
    needs(kustomize()),
    (name) => {
      const profile = skaffold.profiles.find((one) => one.name === name);
      expect(profile?.manifests.kustomize.paths).toEqual([`deploy/overlays/${name}`]);
      const built = (profile?.build ?? skaffold.build).artifacts.map(({ image }) => image);
      const run = rendered?.get(`overlay ${name}`)?.flatMap(imagesOf) ?? [];
      // Kong's release takes the plugin server's image from the build, too.
      expect(built.toSorted()).toEqual([...new Set([...run, "kong-serverless/kong-plugin"])].toSorted());
    },
  );
});
