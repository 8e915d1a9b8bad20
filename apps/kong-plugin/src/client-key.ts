import { isIPv6 } from "node:net";

/**
 * The client that limits count for: Kong's consumer, otherwise the address. Whoever has one IPv6 address has 2^64 of them,
 * so an IPv6 address counts as its /64 network.
 */
export function clientKey(consumer: string | undefined, ip: string): string {
  if (consumer !== undefined) return `consumer ${consumer}`;
  return `ip ${isIPv6(ip) ? networkOf(ip) : ip}`;
}

function networkOf(address: string): string {
  const { hostname } = new URL(`http://[${address.replace(/%.*$/, "")}]`);
  const [before = "", after] = hostname.slice(1, -1).split("::");
  const groups = before === "" ? [] : before.split(":");
  const others = after === undefined || after === "" ? [] : after.split(":");
  const all = [...groups, ...Array<string>(8 - groups.length - others.length).fill("0"), ...others];
  // An IPv4 address in IPv6 notation.
  return /^(0:){5}ffff:/.test(all.join(":")) ? all.join(":") : `${all.slice(0, 4).join(":")}::/64`;
}
