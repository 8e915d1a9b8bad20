import { readFileSync, statSync } from "node:fs";
import { isIP } from "node:net";

/** The machine's own settings for name lookups. */
export interface SystemNames {
  /** Addresses of the names in the hosts file, in lower case. */
  readonly hosts: ReadonlyMap<string, readonly string[]>;
  /** Domains to try a short name in, in this order. */
  readonly search: readonly string[];
  /** A name with at least this many dots is tried as it stands before it is tried in a domain. */
  readonly ndots: number;
}

export interface SystemFiles {
  readonly hosts: string;
  readonly resolvConf: string;
}

const systemFiles: SystemFiles = { hosts: "/etc/hosts", resolvConf: "/etc/resolv.conf" };

/**
 * Reads a machine's hosts file and search domains, and again when they have changed. c-ares, behind Node's `Resolver`, uses
 * neither for a plain query.
 * https://man7.org/linux/man-pages/man5/resolv.conf.5.html
 */
export class SystemNamesReader {
  readonly #files: SystemFiles;
  readonly #checkedMs: number;
  #names: SystemNames | undefined;
  #version = "";
  #checkedAtMs = -Infinity;

  /** @param checkedMs How long the files are assumed unchanged: a kubelet writes both before a container starts. */
  constructor(files: SystemFiles = systemFiles, { checkedMs = 1000 } = {}) {
    this.#files = files;
    this.#checkedMs = checkedMs;
  }

  /** The latest names; the same object as before unless a file has changed. */
  read(): SystemNames {
    const nowMs = performance.now();
    if (this.#names !== undefined && nowMs - this.#checkedAtMs < this.#checkedMs) return this.#names;
    this.#checkedAtMs = nowMs;
    const version = `${versionOf(this.#files.hosts)} ${versionOf(this.#files.resolvConf)}`;
    if (this.#names !== undefined && version === this.#version) return this.#names;
    this.#version = version;
    this.#names = {
      hosts: parseHosts(contentOf(this.#files.hosts)),
      ...parseResolvConf(contentOf(this.#files.resolvConf)),
    };
    return this.#names;
  }
}

function parseHosts(text: string): Map<string, string[]> {
  const hosts = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [address = "", ...names] = wordsOf(line);
    if (isIP(address) === 0) continue;
    for (const name of names) {
      const key = name.toLowerCase();
      const addresses = hosts.get(key) ?? [];
      if (!addresses.includes(address)) hosts.set(key, [...addresses, address]);
    }
  }
  return hosts;
}

function parseResolvConf(text: string): Pick<SystemNames, "search" | "ndots"> {
  let search: string[] = [];
  let ndots = 1;
  for (const line of text.split("\n")) {
    const [keyword, ...values] = wordsOf(line);
    // The last of them wins, as the manual says.
    if (keyword === "search" || keyword === "domain") search = values.filter((domain) => domain !== ".");
    if (keyword !== "options") continue;
    for (const option of values) {
      const [, dots] = /^ndots:(\d+)$/.exec(option) ?? [];
      if (dots !== undefined) ndots = Math.min(15, Number(dots));
    }
  }
  return { search, ndots };
}

function wordsOf(line: string): string[] {
  return line
    .replace(/[#;].*$/, "")
    .trim()
    .split(/\s+/);
}

function versionOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? "absent" : `${stat.ino}:${stat.mtimeMs}:${stat.size}`;
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // A missing file is an empty one.
    return "";
  }
}
