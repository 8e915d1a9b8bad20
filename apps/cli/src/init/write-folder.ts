import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { createTwoFilesPatch } from "diff";

export interface FileToWrite {
  /** Below the folder. */
  readonly path: string;
  readonly text: string;
}

export interface WrittenFile {
  readonly path: string;
  /** `kept`: a file of this name has other content and was left alone. */
  readonly status: "created" | "unchanged" | "kept";
  /** The diff from the existing file to what would have been written. */
  readonly diff?: string;
}

/** Writes files into a folder. Existing files are compared, never overwritten. */
export async function writeFolder(folder: string, files: readonly FileToWrite[]): Promise<WrittenFile[]> {
  const written: WrittenFile[] = [];
  for (const { path, text } of files) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    try {
      // Fails if the file exists, even if it was created in the meantime.
      await writeFile(file, text, { flag: "wx" });
      written.push({ path, status: "created" });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const present = await readFile(file, "utf8");
      if (present === text) written.push({ path, status: "unchanged" });
      else {
        const diff = createTwoFilesPatch(path, `${path} (as init would write it)`, present, text);
        written.push({ path, status: "kept", diff });
      }
    }
  }
  return written;
}

/** The same, as text for people. */
export function formatFolder(folder: string, files: readonly WrittenFile[]): string {
  const marks = { created: "+", unchanged: "=", kept: "!" } as const;
  const lines = files.map(({ path, status }) => `  ${marks[status]} ${path}`);
  const kept = files.flatMap(({ diff }) => diff ?? []);
  if (kept.length > 0) lines.push("", "Left as they are (!); init would have written:", "", ...kept);
  return [`${folder}/`, ...lines].join("\n");
}
