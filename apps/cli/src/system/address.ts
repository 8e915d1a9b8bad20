/** What a URL inside a cluster names. */
export interface ServiceAddress {
  readonly name: string;
  readonly namespace: string;
  readonly port: number;
}

/** The Service behind `http://NAME.NAMESPACE.svc[.cluster.local][:PORT]`; undefined for any other URL. */
export function serviceAddress(url: string): ServiceAddress | undefined {
  if (!URL.canParse(url)) return undefined;
  const { hostname, port, protocol } = new URL(url);
  const [, name, namespace] =
    /^([a-z0-9-]+)\.([a-z0-9-]+)(?:\.svc(?:\.cluster\.local)?)?$/.exec(hostname) ?? [];
  if (name === undefined || namespace === undefined) return undefined;
  const defaultPort = protocol === "https:" ? 443 : 80;
  return { name, namespace, port: port === "" ? defaultPort : Number(port) };
}
