/** What a command has from the process that it runs in. */
export interface Shell {
  readonly stdin: NodeJS.ReadableStream;
  /** Writes a line of the result. */
  readonly print: (text: string) => void;
  /** Writes a line about the run: it never mixes with the result. */
  readonly tell: (text: string) => void;
  /** Says what is being done now, for when it takes long. */
  readonly progress: (step: string) => void;
  /** Aborts when the user wants to leave. */
  readonly signal: AbortSignal;
  /** Absolute path of the workspace, which overlays are looked for in. */
  readonly root: string;
  /** Absolute path that relative ones start from: where the caller is. */
  readonly cwd: string;
  readonly kustomize: string | undefined;
  /** Address of another queue service than AWS. */
  readonly endpointUrl: string | undefined;
}
