/**
 * Whether `url` points to one of `hosts` (`host`: any port, `host:port`: that port only). Names must match exactly;
 * URLs with credentials never do.
 */
export function isAllowedHost(url: string, hosts: readonly string[]): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname, port, username, password } = new URL(url);
  if (protocol !== "http:" && protocol !== "https:") return false;
  if (username !== "" || password !== "") return false;
  const effectivePort = port || (protocol === "https:" ? "443" : "80");
  return hosts.includes(hostname) || hosts.includes(`${hostname}:${effectivePort}`);
}
