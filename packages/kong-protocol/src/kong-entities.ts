/** A route as `kong.router.getRoute()` shows it: the fields of Kong's own table, by Kong's names. */
export interface KongRoute {
  readonly id: string;
  readonly name?: string;
  /** Epoch seconds. */
  readonly created_at?: number;
  readonly updated_at?: number;
  readonly protocols?: readonly string[];
  readonly methods?: readonly string[];
  readonly hosts?: readonly string[];
  readonly paths?: readonly string[];
  readonly https_redirect_status_code?: number;
  readonly regex_priority?: number;
  /** Whether Kong strips the matched path before it forwards. */
  readonly strip_path?: boolean;
  readonly preserve_host?: boolean;
  readonly snis?: readonly string[];
  readonly tags?: readonly string[];
  readonly service?: { readonly id: string };
}

/** A service as `kong.router.getService()` shows it. */
export interface KongService {
  readonly id: string;
  readonly name?: string;
  /** Epoch seconds. */
  readonly created_at?: number;
  readonly updated_at?: number;
  readonly retries?: number;
  readonly protocol?: string;
  readonly host: string;
  readonly port: number;
  readonly path?: string;
  /** Milliseconds. */
  readonly connect_timeout?: number;
  readonly write_timeout?: number;
  readonly read_timeout?: number;
  readonly tags?: readonly string[];
}
