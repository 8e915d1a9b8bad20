/** Backends of one plugin configuration, and which of them each request is for: the same in every form of the plugin. */
export const matchedBackends = [
  { name: "kong", target: "/kong" },
  { name: "kong-consumer", target: "/kong/consumer" },
  { name: "with-slash", target: "/dir/" },
  { name: "exact-host", hosts: ["a.example.com"] },
  { name: "wildcard", hosts: ["*.example.com"] },
  { name: "wildcard-deep", hosts: ["*.deep.example.com"] },
  { name: "host-and-path", target: "/kong", hosts: ["b.example.com"] },
];

export const matchingCases: readonly {
  readonly path: string;
  readonly host: string;
  /** The backend's name; undefined: none, so that the request passes unheld. */
  readonly backend: string | undefined;
}[] = [
  { path: "/kong", host: "x.test", backend: "kong" },
  { path: "/kong/", host: "x.test", backend: "kong" },
  { path: "/kong/x", host: "x.test", backend: "kong" },
  { path: "/kongfoo", host: "x.test", backend: undefined },
  { path: "/kong/consumer", host: "x.test", backend: "kong-consumer" },
  { path: "/kong/consumer/orders?a=b", host: "x.test", backend: "kong-consumer" },
  { path: "/kong/consumers", host: "x.test", backend: "kong" },
  { path: "/%6bong", host: "x.test", backend: "kong" },
  { path: "/kong/../other", host: "x.test", backend: undefined },
  { path: "/other/%2e%2e/kong/x", host: "x.test", backend: "kong" },
  { path: "/dir", host: "x.test", backend: undefined },
  { path: "/dir/x", host: "x.test", backend: "with-slash" },
  { path: "/", host: "a.example.com", backend: "exact-host" },
  { path: "/", host: "A.Example.com", backend: "exact-host" },
  { path: "/", host: "c.example.com", backend: "wildcard" },
  { path: "/", host: "c.d.example.com", backend: "wildcard" },
  { path: "/", host: "c.deep.example.com", backend: "wildcard-deep" },
  { path: "/", host: "example.com", backend: undefined },
  { path: "/", host: "example.com.test", backend: undefined },
  { path: "/kong", host: "b.example.com", backend: "host-and-path" },
  { path: "/kong/consumer", host: "b.example.com", backend: "kong-consumer" },
  { path: "/", host: "b.example.com", backend: "wildcard" },
  { path: "/", host: "x.test", backend: undefined },
];
