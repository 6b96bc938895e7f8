import { fileURLToPath } from "node:url";
import { isStoreError } from "#base";
import type { PagePort } from "#http";
import type { World } from "./world.ts";

/** Enough that nobody guesses it within one answer. */
const nonceBytes = 16;

const suffixes = { br: ".br", gzip: ".gz" } as const;

/**
 * The page that set-up built into `web/dist`, read as a whole at the first request (about 1 MiB) and
 * kept: all files are of one build, and no name of a request ever becomes a path.
 */
export function openPage({ files, random }: Pick<World, "files" | "random">): PagePort {
  const folder = fileURLToPath(new URL("../../web/dist/", import.meta.url));
  let loading: Promise<ReadonlyMap<string, Buffer>> | undefined;

  async function load(): Promise<ReadonlyMap<string, Buffer>> {
    const assets = await files.list(`${folder}assets`);
    const names = ["index.html", ...assets.map(({ name }) => `assets/${name}`)];
    const contents = await Promise.all(names.map((name) => files.read(`${folder}${name}`)));
    return new Map(names.map((name, index) => [name, contents[index]!]));
  }

  return {
    nonce: () => random.bytes(nonceBytes).toString("base64"),
    read: async (name, encoding) => {
      loading ??= load();
      try {
        const contents = await loading;
        return contents.get(`${name}${encoding === undefined ? "" : suffixes[encoding]}`);
      } catch (error) {
        // The next request looks again: set-up may have run meanwhile.
        loading = undefined;
        if (isStoreError(error, "missing")) return undefined;
        throw error;
      }
    },
  };
}
