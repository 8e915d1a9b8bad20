/** What a command gets from its process. */
export interface Shell {
  readonly stdin: NodeJS.ReadableStream;
  /** Writes a line of the result. */
  readonly print: (text: string) => void;
  /** Writes a line about the run, separate from the result. */
  readonly tell: (text: string) => void;
  /** Shows what is being done, in case it takes long. */
  readonly progress: (step: string) => void;
  /** Aborts when the user wants to leave. */
  readonly signal: AbortSignal;
  /** Absolute path of the workspace, where overlays are looked up. */
  readonly root: string;
  /** Absolute path that relative ones start from: the caller's directory. */
  readonly cwd: string;
  /** What starts this command, for commands that it prints. */
  readonly command: string;
  readonly kustomize: string | undefined;
  /** Address of a queue service other than AWS. */
  readonly endpointUrl: string | undefined;
}
