/** A running Dapr sidecar, real or played. The playground's apps share one; in a cluster each pod has its own. */
export interface Sidecar {
  /** For reports: `daprd 1.18.3`, `stand-in`. */
  readonly description: string;
  readonly port: number;
  stop(): Promise<void>;
}
