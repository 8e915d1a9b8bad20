/** What a URL inside a cluster names. */
export interface ServiceAddress {
  readonly name: string;
  readonly namespace: string;
  readonly port: number;
}

const label = "[a-z0-9](?:[a-z0-9-]*[a-z0-9])?";
/** `NAME`, `NAME.NAMESPACE`, `NAME.NAMESPACE.svc`, with the cluster's domain, whatever it is, and with a dot at the end. */
const serviceHost = new RegExp(`^(${label})(?:\\.(${label})(?:\\.svc(?:\\.[a-z0-9.-]+)?)?)?\\.?$`);

/**
 * The Service behind `http://NAME.NAMESPACE.svc:PORT`, in all the forms that a cluster's DNS knows; undefined for any other URL. A
 * host of two labels may be a name of the outside world all the same.
 *
 * @param namespace Of who asks: there a name alone is enough.
 */
export function serviceAddress(url: string, namespace?: string): ServiceAddress | undefined {
  const parsed = URL.parse(url);
  if (parsed === null) return undefined;
  const [, name, named = namespace] = serviceHost.exec(parsed.hostname) ?? [];
  if (name === undefined || named === undefined || name === "localhost") return undefined;
  const defaultPort = parsed.protocol === "https:" ? 443 : 80;
  return { name, namespace: named, port: parsed.port === "" ? defaultPort : Number(parsed.port) };
}
