import { execFileSync } from "node:child_process";

/** Whether kustomize or kubectl is installed, which folders are rendered with. */
export const canRender = [
  ["kustomize", "version"],
  ["kubectl", "kustomize", "--help"],
].some(([command = "", ...rest]) => {
  try {
    execFileSync(command, rest, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
});
