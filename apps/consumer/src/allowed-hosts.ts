/**
 * Whether `url` leads to one of `hosts` (`host`: any port, `host:port`: that port only). Names are compared whole; a URL
 * with credentials is none of ours.
 */
export function isAllowedHost(url: string, hosts: readonly string[]): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname, port, username, password } = new URL(url);
  if (protocol !== "http:" && protocol !== "https:") return false;
  if (username !== "" || password !== "") return false;
  const effectivePort = port || (protocol === "https:" ? "443" : "80");
  return hosts.includes(hostname) || hosts.includes(`${hostname}:${effectivePort}`);
}
