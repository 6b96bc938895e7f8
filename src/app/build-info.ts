import type { BuildInfo } from "#http";
import { messageOf, StoreError } from "#base";
import type { Files } from "#world";

/** Name and version of this program, from its package.json; what a package does not know stays empty. */
export async function readBuildInfo(files: Files): Promise<BuildInfo> {
  const path = new URL("../../package.json", import.meta.url).pathname;
  const text = (await files.read(path)).toString("utf8");
  try {
    const { version } = JSON.parse(text) as { version: string };
    return { version, revision: "", branch: "", buildDate: "" };
  } catch (error) {
    throw new StoreError("corrupt", `${path}: ${messageOf(error)}`);
  }
}
