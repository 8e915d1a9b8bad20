/** A running Dapr sidecar, real or played. The playground's apps share one; in a cluster each pod has its own. */
export interface Sidecar {
  readonly kind: "daprd" | "stand-in";
  /** The version of daprd; "stand-in" for the played one. */
  readonly version: string;
  readonly port: number;
  stop(): Promise<void>;
}
