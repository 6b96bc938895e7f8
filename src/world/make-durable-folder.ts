import { dirname } from "node:path";
import { isStoreError } from "#base";
import type { Files } from "./files.ts";

/**
 * Makes a folder with its parents so that all of them survive a power cut. Parents that this process may not open are not
 * of its making and are passed over.
 */
export async function makeDurableFolder(files: Files, folder: string): Promise<void> {
  await files.makeFolder(folder);
  for (let parent = dirname(folder); ; parent = dirname(parent)) {
    try {
      await files.syncFolder(parent);
    } catch (error) {
      if (!isStoreError(error, "denied")) throw error;
    }
    if (parent === dirname(parent)) return;
  }
}
