/** Where Skald writes: may it, is there room, and how long does a write take to be durable? */
import { dirname, join } from "node:path";
import { GiB, isStoreError, messageOf, MiB, StoreError } from "#base";
import type { Config } from "#config";
import { sizeText } from "./doctor-machine.ts";
import type { Finding } from "./doctor.ts";
import type { World } from "./world.ts";

export interface DoctorParts {
  readonly config: Config;
  readonly io: World;
}

const syncCount = 40;
const syncBytes = 4096;
/** An acknowledged push waits for one. A good disk needs one or two ms, a spinning one ten. */
const syncSlowMs = 20;
const syncBadMs = 100;
const freeBytesMin: number = 256 * MiB;
const freeBytesAdvised: number = 2 * GiB;

export async function checkFolders({ config, io }: DoctorParts): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [what, folder, isSynced] of foldersOf(config)) {
    findings.push(...(await checkFolder({ what, folder, isSynced }, io)));
  }
  const { tokenFile } = config.access;
  if (tokenFile !== undefined) findings.push(await checkReadable(tokenFile, io));
  return findings;
}

type FolderRow = readonly [what: string, folder: string, isSynced: boolean];

function foldersOf(config: Config): readonly FolderRow[] {
  const rows: FolderRow[] = [
    ["journal", config.journal.folder, true],
    ["data", config.pathPrefix, false],
  ];
  for (const { objectStore } of config.schemaPeriods) {
    const store = config.objectStores.byName.get(objectStore);
    if (store?.kind === "filesystem") rows.push(["object store", store.folder, false]);
  }
  const seen = new Set<string>();
  return rows.filter(([, folder]) => !seen.has(folder) && seen.add(folder));
}

async function checkFolder(
  { what, folder, isSynced }: { what: string; folder: string; isSynced: boolean },
  io: World,
): Promise<Finding[]> {
  const check = `${what} folder`;
  let there = folder;
  try {
    there = await nearest(folder, io);
  } catch (error) {
    return [{ check, status: "error", says: messageOf(error), advice: adviceFor(error, folder) }];
  }
  const place = there === folder ? folder : `${folder} (to be made in ${there})`;
  const trial = join(there, `.skald-doctor-${io.random.bytes(6).toString("hex")}`);
  let syncMs: number[];
  try {
    syncMs = await trySyncs(trial, isSynced ? syncCount : 1, io);
  } catch (error) {
    return [{ check, status: "error", says: messageOf(error), advice: adviceFor(error, there) }];
  } finally {
    await io.files.remove(join(trial, "trial")).catch(() => undefined);
    await io.files.removeFolder(trial).catch(() => undefined);
  }
  const room = await checkRoom(check, place, there, io);
  return isSynced ? [room, speedOf(syncMs, place)] : [room];
}

function adviceFor(error: unknown, folder: string): string {
  if (isStoreError(error, "full")) return "Make room on that disk, or name another folder.";
  if (!isStoreError(error, "denied")) return "Look at the disk: the system's log may say more.";
  return `Let the user that runs Skald write there: chown -R skald ${folder}`;
}

/** The folder, or the parent that is there when it is not. */
async function nearest(folder: string, io: World): Promise<string> {
  try {
    if ((await io.files.stat(folder)).isFolder) return folder;
    throw new StoreError("denied", `${folder} is a file, not a folder`);
  } catch (error) {
    if (!isStoreError(error) || isStoreError(error, "denied")) throw error;
  }
  const parent = dirname(folder);
  return parent === folder ? folder : nearest(parent, io);
}

/** Times of a small write with its fdatasync, in ms. */
async function trySyncs(folder: string, count: number, io: World): Promise<number[]> {
  await io.files.makeFolder(folder);
  await using file = await io.files.open(join(folder, "trial"), { create: true, exclusive: true });
  const content = Buffer.alloc(syncBytes, "p");
  const times: number[] = [];
  for (let at = 0; at < count; at++) {
    const fromMs = io.clock.monotonicMs();
    await file.write([content], at * syncBytes);
    await file.sync();
    times.push(io.clock.monotonicMs() - fromMs);
  }
  return times.sort((a, b) => a - b);
}

function speedOf(sortedMs: readonly number[], place: string): Finding {
  const check = "journal disk";
  const half = sortedMs[sortedMs.length >> 1] ?? 0;
  const worst = sortedMs.at(-1) ?? 0;
  const says = `fdatasync takes ${half.toFixed(1)} ms (half), ${worst.toFixed(1)} ms (worst)`;
  if (half <= syncSlowMs) return { check, status: "ok", says };
  const advice =
    `Every push waits for one. Put ${place} on a local SSD with ingester.wal.dir; network disks ` +
    "and full or shared ones are slow.";
  return { check, status: half > syncBadMs ? "error" : "warning", says, advice };
}

async function checkRoom(
  check: string,
  place: string,
  folder: string,
  io: World,
): Promise<Finding> {
  const freeBytes = await io.files.freeBytes(folder);
  const says = `${place}: writable, ${sizeText(freeBytes)} free`;
  if (freeBytes >= freeBytesAdvised) return { check, status: "ok", says };
  const advice = "Make room: pushes are refused with 503 once the disk is full.";
  return { check, status: freeBytes < freeBytesMin ? "error" : "warning", says, advice };
}

async function checkReadable(path: string, io: World): Promise<Finding> {
  const check = "token file";
  try {
    await io.files.read(path);
    return { check, status: "ok", says: `${path} can be read` };
  } catch (error) {
    const advice = "Without it nobody comes in: let the user that runs Skald read it.";
    return { check, status: "error", says: messageOf(error), advice };
  }
}
