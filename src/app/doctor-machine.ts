/** What the machine gives the process: its runtime, memory and file descriptors. */
import { availableParallelism, totalmem } from "node:os";
import { GiB, MiB } from "#base";
import type { Config } from "#config";
import { headBytesMax } from "./ingest.ts";
import { cacheBytesOf } from "./stores.ts";
import type { Finding } from "./doctor.ts";

const nodeMajorMin = 24;
/** Segments, journal, sockets of clients and of object stores: a few hundred are soon in use. */
const openFilesMin = 1024;
const openFilesAdvised = 16_384;
/** V8's heap, the program and its libraries, and what a query holds while it runs. */
const baseBytes: number = 160 * MiB;
const queryBytes: number = 64 * MiB;

export interface Machine {
  /** `26.10.0`. */
  readonly nodeVersion: string;
  readonly memoryBytes: number;
  /** Undefined: nothing but the machine's memory bounds the process. */
  readonly memoryLimitBytes: number | undefined;
  /** Infinity: unlimited; undefined: not known here. */
  readonly openFilesMax: number | undefined;
  readonly processorCount: number;
}

export function checkMachine(config: Config, machine: Machine = thisMachine()): Finding[] {
  return [checkNode(machine), checkMemory(config, machine), checkOpenFiles(machine)];
}

function checkNode({ nodeVersion }: Machine): Finding {
  const isNew = Number(nodeVersion.split(".")[0]) >= nodeMajorMin;
  return isNew
    ? { check: "runtime", status: "ok", says: `Node ${nodeVersion}` }
    : {
        check: "runtime",
        status: "error",
        says: `Node ${nodeVersion} cannot run Skald's sources; ${nodeMajorMin} or newer can`,
        advice: "Start it with bin/skald, which brings its own.",
      };
}

function checkMemory(config: Config, machine: Machine): Finding {
  const { memoryBytes, memoryLimitBytes } = machine;
  const check = "memory";
  const availableBytes = Math.min(memoryBytes, memoryLimitBytes ?? Infinity);
  const neededBytes =
    baseBytes +
    headBytesMax +
    cacheBytesOf(config) +
    Math.min(config.querier.maxConcurrent, machine.processorCount) * queryBytes;
  const what = memoryLimitBytes === undefined ? "of the machine" : "allowed by the control group";
  const says =
    `${sizeText(availableBytes)} ${what}; ` +
    `with every cache full and the object store away Skald may hold ${sizeText(neededBytes)}`;
  if (neededBytes <= availableBytes) return { check, status: "ok", says };
  const advice =
    "Give it more, or ask for less at once (querier.max_concurrent): the system ends a process " +
    "that has too much. What was acknowledged survives that.";
  return { check, status: "warning", says, advice };
}

function checkOpenFiles({ openFilesMax }: Machine): Finding {
  const check = "open files";
  if (openFilesMax === undefined) {
    return { check, status: "ok", says: "this system does not say how many it allows" };
  }
  const says = `${openFilesMax} files and connections may be open`;
  if (openFilesMax >= openFilesAdvised) return { check, status: "ok", says };
  const advice = "Raise it: ulimit -n 65536, or LimitNOFILE=65536 in the systemd unit.";
  const status = openFilesMax < openFilesMin ? "error" : "warning";
  return { check, status, says: `${says}; ${openFilesAdvised} are advised`, advice };
}

export function sizeText(bytes: number): string {
  return bytes >= GiB ? `${(bytes / GiB).toFixed(1)} GiB` : `${Math.round(bytes / MiB)} MiB`;
}

function thisMachine(): Machine {
  const memoryBytes = totalmem();
  const limitBytes = process.constrainedMemory();
  // Control groups without a limit say 0 or some number beyond any memory.
  const isLimited = limitBytes > 0 && limitBytes < memoryBytes;
  return {
    nodeVersion: process.versions.node,
    memoryBytes,
    memoryLimitBytes: isLimited ? limitBytes : undefined,
    openFilesMax: openFilesMax(),
    processorCount: availableParallelism(),
  };
}

/** The soft limit, which is the one in force. */
function openFilesMax(): number | undefined {
  // Else the report looks up names of every open connection, which may take long.
  Object.assign(process.report, { excludeNetwork: true });
  const report = process.report.getReport() as {
    userLimits?: { open_files?: { soft?: number | string } };
  };
  const soft = report.userLimits?.open_files?.soft;
  if (soft === "unlimited") return Infinity;
  return typeof soft === "number" ? soft : undefined;
}
