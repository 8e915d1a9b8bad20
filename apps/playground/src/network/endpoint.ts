/** Where a ready pod listens. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}
