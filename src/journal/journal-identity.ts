/**
 * Which journal a sequence number is of. Segments name the records they cover by this identity, so that a journal that
 * was deleted and begins again at 1 is not taken for the old one.
 */
import { join } from "node:path";
import { isStoreError } from "#base";
import type { Files, Random } from "#world";

const fileName = "identity";
const shape = /^[0-9a-f]{32}$/;

/** The identity kept in the folder; a new one when there is none, or when the folder `isNew` (has no journal file). */
export async function journalIdentity(options: {
  readonly files: Files;
  readonly random: Random;
  readonly folder: string;
  readonly isNew: boolean;
}): Promise<string> {
  const { files, random, folder, isNew } = options;
  const path = join(folder, fileName);
  if (!isNew) {
    const known = await readIdentity(files, path);
    if (known !== undefined) return known;
  }
  const identity = random.bytes(16).toString("hex");
  const temporary = `${path}.new`;
  {
    await using handle = await files.open(temporary, { create: true, exclusive: false });
    await handle.truncate(0);
    await handle.write([Buffer.from(identity)], 0);
    await handle.sync();
  }
  await files.rename(temporary, path);
  await files.syncFolder(folder);
  return identity;
}

/** Undefined when it is missing or not whole: entries may then be stored twice, which queries drop, never lost. */
async function readIdentity(files: Files, path: string): Promise<string | undefined> {
  try {
    const text = (await files.read(path)).toString("latin1");
    return shape.test(text) ? text : undefined;
  } catch (error) {
    if (isStoreError(error, "missing")) return undefined;
    throw error;
  }
}
